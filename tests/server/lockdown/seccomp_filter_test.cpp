// The filter of system calls by itself, without Landlock.
#include "server/lockdown/seccomp_filter.hpp"

#include "server/clock/clock.hpp"
#include "server/lockdown/locked_child.hpp"

#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timex.h>

#include <cstring>
#include <thread>

using namespace ftpc;
using namespace ftpc::server;
using namespace ftpc::test;

namespace {

struct FilterTest {
    Place place;
    bool here = seccomp_works().has_value();

    static ChildEnd filtered(Locked process, const std::function<std::string()>& job,
                             OnForbiddenCall action = OnForbiddenCall::kill)
    {
        return in_process([&] {
            ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            const auto done = filter_system_calls(process, action);
            return done ? job() : "seccomp: " + done.error().message();
        });
    }
    static std::string net(const std::function<std::string()>& job) { return filtered(Locked::net, job).how; }
    static std::string auth(const std::function<std::string()>& job)
    {
        return filtered(Locked::auth, job).how;
    }
    static std::string time(const std::function<std::string()>& job)
    {
        return filtered(Locked::time, job).how;
    }
};

std::string map_code()
{
    void* const code =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(code == MAP_FAILED ? -1 : 0);
}

std::string ask_for_signals_of_another()
{
    return outcome(::fcntl(STDERR_FILENO, F_SETOWN, ::getppid()));
}

std::string choose_processors(pid_t thread)
{
    cpu_set_t all;
    std::memset(&all, 0xFF, sizeof all);
    return outcome(::sched_setaffinity(thread, sizeof all, &all));
}

std::string set_raw_option(int socket)
{
    const int value = 1;
    return outcome(::setsockopt(socket, IPPROTO_IP, IP_FREEBIND, &value, sizeof value));
}

sockaddr_in address_of_socket(int socket)
{
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    return address;
}

int bound_udp_socket()
{
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return socket;
}

// One message with as much in it as time's have.
struct OneMessage {
    std::array<char, 16> bytes{};
    iovec part{bytes.data(), bytes.size()};
    sockaddr_in peer{};
    mmsghdr message{};

    explicit OneMessage(const sockaddr_in& with) : peer{with}
    {
        message.msg_hdr.msg_name = &peer;
        message.msg_hdr.msg_namelen = sizeof peer;
        message.msg_hdr.msg_iov = &part;
        message.msg_hdr.msg_iovlen = 1;
    }
};

std::string send_to(const sockaddr_in& address, int socket)
{
    OneMessage one{address};
    return outcome(::sendmmsg(socket, &one.message, 1, MSG_DONTWAIT));
}

std::string receive(int socket)
{
    OneMessage one{{}};
    return outcome(::recvmmsg(socket, &one.message, 1, MSG_DONTWAIT, nullptr));
}

} // namespace

TEST_CASE_METHOD(FilterTest, "no process makes sockets, programs, processes or signals for others")
{
    if (!here) return;
    const UniqueFd socket{Place::tcp_socket()};
    const pid_t parent = ::getpid();
    for (const auto run : {net, auth, time}) {
        CHECK(run(Place::open_socket) == "SIGSYS");
        CHECK(run([&] { return place.connect_with(socket.get()); }) == "SIGSYS");
        CHECK(run([&] { return place.connect_by_sending(socket.get()); }) == "SIGSYS");
        CHECK(run([&] { return Place::bind_with(socket.get()); }) == "SIGSYS");
        CHECK(run([&] { return set_raw_option(socket.get()); }) == "SIGSYS");
        CHECK(run(Place::execute) == "SIGSYS");
        CHECK(run([&] { return Place::signal(parent); }) == "SIGSYS");
        CHECK(run(ask_for_signals_of_another) == "SIGSYS");
        CHECK(run([&] { return choose_processors(parent); }) == "SIGSYS");
        if (sanitizer_build) continue; // whose libraries need these
        CHECK(run(Place::fork) == "SIGSYS");
        CHECK(run([&] { return Place::trace(parent); }) == "SIGSYS");
        CHECK(run(map_code) == "SIGSYS");
    }
}

TEST_CASE_METHOD(FilterTest, "all of that works in a process without the filter")
{
    const UniqueFd socket{Place::tcp_socket()};
    const UniqueFd other{Place::tcp_socket()};
    const pid_t parent = ::getpid();
    CHECK(in_process(Place::open_socket).how == "0");
    CHECK(in_process([&] { return place.connect_with(socket.get()); }).how == "0");
    CHECK(in_process([&] { return Place::bind_with(other.get()); }).how == "0");
    CHECK(in_process([&] { return set_raw_option(socket.get()); }).how == "0");
    CHECK(in_process(Place::execute).how.empty()); // it became /bin/true
    CHECK(in_process([&] { return Place::signal(parent); }).how == "0");
    CHECK(in_process(ask_for_signals_of_another).how == "0");
    CHECK(in_process([&] { return choose_processors(parent); }).how == "0");
    CHECK(in_process(Place::fork).how == "0");
    CHECK(in_process(map_code).how == "0");
}

TEST_CASE_METHOD(FilterTest,
                 "net opens directories; other files are refused, so that a library may do without")
{
    if (!here || sanitizer_build) return;
    CHECK(net([&] { return place.list("data/root"); }) == "0");
    CHECK(net([&] { return place.make_directory("data/root/new"); }) == "0");
    CHECK(net([&] { return place.open_file("data/root", O_PATH | O_DIRECTORY); }) == "0");
    CHECK(net([&] { return place.open_file("data/users.db"); }) == "EACCES");
    CHECK(net([&] { return place.open_file("data/users.db", O_PATH); }) == "EACCES");
    for (const int flags : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE | O_RDWR})
        CHECK(net([&] { return place.open_file("data/root", flags | O_DIRECTORY); }) == "EACCES");
}

TEST_CASE_METHOD(FilterTest,
                 "net neither renames, removes nor changes permissions; auth accepts no connection")
{
    if (!here) return;
    CHECK(net([&] { return place.rename("data/root/file", "data/root/other"); }) == "SIGSYS");
    CHECK(net([&] { return place.remove("data/root/file"); }) == "SIGSYS");
    CHECK(net([&] { return outcome(::fchmod(place.root.get(), 0777)); }) == "SIGSYS");
    CHECK(net([&] { return outcome(::fchown(place.root.get(), 1, 1)); }) == "SIGSYS");
    CHECK(auth([&] { return outcome(::accept4(place.listener.get(), nullptr, nullptr, 0)); }) == "SIGSYS");
    CHECK(auth([&] { return outcome(::listen(place.listener.get(), 1)); }) == "SIGSYS");
    CHECK(auth([&] { return place.make_directory("data/new"); }) == "SIGSYS");
}

TEST_CASE_METHOD(FilterTest, "nothing that would outlive net is changed of a listening socket that it shares")
{
    if (!here) return;
    const int socket = place.listener.get();
    CHECK(net([&] { return outcome(::shutdown(socket, SHUT_RD)); }) == "EPERM");
    CHECK(net([&] { return outcome(::shutdown(socket, SHUT_RDWR)); }) == "EPERM");
    CHECK(net([&] { return outcome(::listen(socket, 0)); }) == "SIGSYS");
    CHECK(net([&] { return outcome(::fcntl(socket, F_SETFL, O_ASYNC)); }) == "SIGSYS");
    CHECK(net([&] {
              int on = 1;
              return outcome(::ioctl(socket, FIOASYNC, &on));
          }) == "SIGSYS");
    int accepting = 0;
    socklen_t size = sizeof accepting;
    REQUIRE(::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) == 0);
    CHECK(accepting == 1);
}

TEST_CASE_METHOD(FilterTest, "net sets the two socket options that it needs, and auth none")
{
    if (!here) return;
    const UniqueFd socket{Place::tcp_socket()};
    const auto set = [&](int level, int option) {
        return [&socket, level, option] {
            const int on = 1;
            return outcome(::setsockopt(socket.get(), level, option, &on, sizeof on));
        };
    };
    const auto get = [&](int level, int option) {
        return [&socket, level, option] {
            int value = 0;
            socklen_t size = sizeof value;
            return outcome(::getsockopt(socket.get(), level, option, &value, &size));
        };
    };
    CHECK(net(set(IPPROTO_TCP, TCP_NODELAY)) == "0");
    CHECK(net(set(SOL_SOCKET, SO_KEEPALIVE)) == "0");
    CHECK(net([&] {
              const linger at_once{.l_onoff = 1, .l_linger = 0};
              return outcome(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
          }) == "0");
    CHECK(net(get(SOL_SOCKET, SO_INCOMING_CPU)) == "0");
    for (const int option : {SO_ATTACH_FILTER, SO_LOCK_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF,
                             SO_REUSEPORT, SO_REUSEADDR, SO_RCVBUF, SO_SNDBUF, SO_BINDTODEVICE})
        CHECK(net(set(SOL_SOCKET, option)) == "ENOPROTOOPT");
    for (const int option : {TCP_REPAIR, TCP_DEFER_ACCEPT, TCP_FASTOPEN, TCP_ULP, TCP_CONGESTION, TCP_MAXSEG})
        CHECK(net(set(IPPROTO_TCP, option)) == "ENOPROTOOPT");
    CHECK(net(set(IPPROTO_IPV6, IPV6_V6ONLY)) == "SIGSYS");
    CHECK(net(get(SOL_SOCKET, SO_ERROR)) == "ENOPROTOOPT");
    CHECK(net(get(IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE)) == "SIGSYS");
    CHECK(auth(set(IPPROTO_TCP, TCP_NODELAY)) == "SIGSYS");
    CHECK(auth(get(SOL_SOCKET, SO_INCOMING_CPU)) == "SIGSYS");
}

TEST_CASE_METHOD(FilterTest,
                 "net reads how right the clock is; auth does not, and net reads no other clock so")
{
    if (!here) return;
    const auto read = [](clockid_t clock) {
        return [clock] {
            timex nothing_to_change{};
            return outcome(::clock_adjtime(clock, &nothing_to_change));
        };
    };
    CHECK(net([] { return read_kernel_clock().max_error.count() >= 0 ? "0" : "no answer"; }) == "0");
    CHECK(net(read(CLOCK_REALTIME)) == "0");
    CHECK(net(read(CLOCK_TAI)) == "SIGSYS");
    CHECK(auth(read(CLOCK_REALTIME)) == "SIGSYS");
}

TEST_CASE_METHOD(FilterTest,
                 "time receives and sends datagrams, reads how right the clock is, and writes its log")
{
    if (!here) return;
    const UniqueFd socket{bound_udp_socket()};
    const sockaddr_in address = address_of_socket(socket.get());
    CHECK(time([&] { return send_to(address, socket.get()); }) == "0");
    CHECK(time([&] { return receive(socket.get()); }) == "0");
    CHECK(time([&] {
              pollfd looked_at{socket.get(), POLLIN, 0};
              return outcome(::poll(&looked_at, 1, 0));
          }) == "0");
    CHECK(time([] { return read_kernel_clock().max_error.count() >= 0 ? "0" : "no answer"; }) == "0");
    CHECK(time([] { return outcome(::write(STDERR_FILENO, "x", 1)); }) == "0");
    CHECK(time([]() -> std::string { std::abort(); }) == "signal " + std::to_string(SIGABRT));
}

TEST_CASE_METHOD(FilterTest, "time changes none of its sockets, opens no file and starts no thread")
{
    if (!here || sanitizer_build) return;
    const UniqueFd socket{bound_udp_socket()};
    sockaddr_in address = address_of_socket(socket.get());
    CHECK(time([&] {
              return outcome(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
          }) == "SIGSYS");
    CHECK(time([&] { return outcome(::shutdown(socket.get(), SHUT_RD)); }) == "SIGSYS");
    CHECK(time([&] { return outcome(::fcntl(socket.get(), F_SETFL, 0)); }) == "SIGSYS");
    CHECK(time([&] {
              int on = 0;
              return outcome(::ioctl(socket.get(), FIONBIO, &on));
          }) == "SIGSYS");
    for (const int option : {SO_ATTACH_FILTER, SO_TIMESTAMPNS, SO_RCVBUF, SO_BROADCAST})
        CHECK(time([&] {
                  const int on = 0;
                  return outcome(::setsockopt(socket.get(), SOL_SOCKET, option, &on, sizeof on));
              }) == "SIGSYS");
    CHECK(time([&] { return place.open_file("data/users.db"); }) == "SIGSYS");
    CHECK(time([&] { return place.list("data"); }) == "SIGSYS");
    CHECK(time([] {
              std::thread{[] {}}.join();
              return std::string{"0"};
          }) == "SIGSYS");
}

TEST_CASE_METHOD(FilterTest, "a thread of net chooses its own processors; auth chooses none")
{
    if (!here) return;
    CHECK(net([] { return choose_processors(0); }) == "0");
    CHECK(auth([] { return choose_processors(0); }) == "SIGSYS");
}

TEST_CASE_METHOD(FilterTest,
                 "a thread of auth gives way to others, and nobody changes anybody else's priority")
{
    if (!here) return;
    const auto nice = [](int which, id_t who) { return outcome(::setpriority(which, who, 5)); };
    CHECK(auth([&] { return nice(PRIO_PROCESS, 0); }) == "0");
    CHECK(auth([&] { return nice(PRIO_PROCESS, 1); }) == "SIGSYS");
    CHECK(auth([&] { return nice(PRIO_USER, 0); }) == "SIGSYS");
    CHECK(net([&] { return nice(PRIO_PROCESS, 0); }) == "SIGSYS");
}

TEST_CASE_METHOD(FilterTest, "threads start and end, and abort() ends a process so that it shows")
{
    if (!here) return;
    for (const auto run : {net, auth}) {
        CHECK(run([] {
                  int sum = 0;
                  for (int i = 0; i < 3; ++i)
                      std::thread{[&] { ++sum; }}.join();
                  return std::to_string(sum);
              }) == "3");
        CHECK(run([]() -> std::string { std::abort(); }) == "signal " + std::to_string(SIGABRT));
    }
}

TEST_CASE_METHOD(FilterTest,
                 "a filter that names forbidden calls says which, and the process ends all the same")
{
    if (!here) return;
    const auto name_it = OnForbiddenCall::name_it;
    const ChildEnd in_net = filtered(Locked::net, Place::open_socket, name_it);
    CHECK(in_net.how == "SIGSYS");
    CHECK(in_net.errors ==
          "ftpcd[net]: event=forbidden-system-call name=socket number=" + std::to_string(SYS_socket) + "\n");
    const ChildEnd in_auth = filtered(Locked::auth, Place::execute, name_it);
    CHECK(in_auth.how == "SIGSYS");
    CHECK(in_auth.errors ==
          "ftpcd[auth]: event=forbidden-system-call name=execve number=" + std::to_string(SYS_execve) + "\n");
    const ChildEnd unknown = filtered(
        Locked::net, [] { return outcome(::syscall(4000)); }, name_it);
    CHECK(unknown.how == "SIGSYS");
    CHECK(unknown.errors == "ftpcd[net]: event=forbidden-system-call name=unknown number=4000\n");
    const ChildEnd in_time = filtered(Locked::time, Place::open_socket, name_it);
    CHECK(in_time.how == "SIGSYS");
    CHECK(in_time.errors ==
          "ftpcd[time]: event=forbidden-system-call name=socket number=" + std::to_string(SYS_socket) + "\n");
    CHECK(filtered(Locked::net, Place::open_socket).errors.empty());
}
