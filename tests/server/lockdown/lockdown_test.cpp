// Both processes locked down as they are in `ftpcd serve`.
#include "server/lockdown/lockdown.hpp"

#include "server/lockdown/locked_child.hpp"
#include "server/users/users_file.hpp"
#include "shared/files/file.hpp"
#include "support/in_child.hpp"
#include "support/matchers.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/evp.h>

#include <mutex>
#include <thread>

using namespace ftpc;
using namespace ftpc::server;
using namespace ftpc::test;

namespace {

Settings with(LockdownMode mode)
{
    Settings settings;
    settings.lockdown = mode;
    return settings;
}

struct LockdownTest {
    Place place;

    std::string locked(Locked process, const std::function<std::string()>& job) const
    {
        return in_process([&] {
                   harden_process();
                   lock_down(process, with(LockdownMode::require), directory_of(process));
                   return job();
               })
            .how;
    }
    int directory_of(Locked process) const
    {
        if (process == Locked::time) return no_directory;
        return process == Locked::net ? place.root.get() : place.data.get();
    }
    std::string net(const std::function<std::string()>& job) const { return locked(Locked::net, job); }
    std::string auth(const std::function<std::string()>& job) const { return locked(Locked::auth, job); }
    std::string time(const std::function<std::string()>& job) const { return locked(Locked::time, job); }
};

std::string status_line(const std::string& name)
{
    UniqueFd file{::open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
    const std::string text = read_all(file.get(), 65536).value();
    const auto place = text.find("\n" + name + ":\t");
    const auto begin = place + name.size() + 3;
    return text.substr(begin, text.find('\n', begin) - begin);
}

} // namespace

TEST_CASE_METHOD(LockdownTest,
                 "from inside net there is no way to files, sockets, programs or other processes")
{
    if (!lockdown_is_here()) return;
    const UniqueFd socket{Place::tcp_socket()};
    const pid_t parent = ::getpid();
    CHECK(net([&] { return place.open_file("data/users.db"); }) == "EACCES");
    CHECK(net([&] { return place.open_file_by_openat2("data/users.db"); }) == "EACCES");
    CHECK(net([&] { return place.open_file_by_openat2("data/root/file"); }) == "EACCES");
    CHECK(net([&] { return place.open_file("data/root/new", O_WRONLY | O_CREAT); }) == "EACCES");
    CHECK(net([&] { return place.rename("data/root/file", "data/root/other"); }) == "SIGSYS");
    CHECK(net([&] { return place.remove("data/root/file"); }) == "SIGSYS");
    CHECK(net([&] { return place.link("data/root/link"); }) == "SIGSYS");
    CHECK(net([&] { return place.connect_with(socket.get()); }) == "SIGSYS");
    CHECK(net([&] { return place.connect_by_sending(socket.get()); }) == "SIGSYS");
    CHECK(net([&] { return Place::bind_with(socket.get()); }) == "SIGSYS");
    CHECK(net(Place::open_socket) == "SIGSYS");
    CHECK(net(Place::execute) == "SIGSYS");
    CHECK(net([&] { return Place::signal(parent); }) == "SIGSYS");
    CHECK(net([&] { return Place::trace(parent); }) == (sanitizer_build ? "EPERM" : "SIGSYS"));
    if (!sanitizer_build) CHECK(net(Place::fork) == "SIGSYS");
}

TEST_CASE_METHOD(LockdownTest,
                 "from inside time there is no way to any file or directory, program or process")
{
    if (!lockdown_is_here()) return;
    const std::string refused = sanitizer_build ? "EACCES" : "SIGSYS";
    CHECK(time([&] { return place.open_file("data/users.db"); }) == refused);
    CHECK(time([&] { return place.open_file("outside/new", O_WRONLY | O_CREAT); }) == refused);
    CHECK(time([&] { return place.list("data/root"); }) == refused);
    CHECK(time([&] { return place.open_file_by_openat2("data/root/file"); }) == "SIGSYS");
    CHECK(time([&] { return place.make_directory("data/root/new"); }) == "SIGSYS");
    CHECK(time(Place::open_socket) == "SIGSYS");
    CHECK(time(Place::execute) == "SIGSYS");
    const pid_t parent = ::getpid();
    CHECK(time([&] { return Place::signal(parent); }) == "SIGSYS");
}

TEST_CASE_METHOD(LockdownTest, "Landlock alone keeps time from every file, too")
{
    const auto abi = landlock_abi();
    if (!abi) return;
    CHECK(in_process([&] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              const auto done = restrict_with_landlock(*abi, {});
              return done ? place.open_file("data/users.db") + place.list("data/root")
                          : done.error().message();
          }).how == "EACCESEACCES");
}

TEST_CASE_METHOD(LockdownTest, "a connection out of a listening socket that was shut is not made either")
{
    if (!lockdown_is_here()) return;
    const Place other;
    const auto connect_from_listener = [&] {
        ::shutdown(other.listener.get(), SHUT_RDWR);
        return place.connect_by_sending(other.listener.get());
    };
    CHECK(in_process(connect_from_listener).how == "0");
    CHECK(net(connect_from_listener) == "SIGSYS");
}

TEST_CASE_METHOD(LockdownTest, "net makes, lists and syncs directories beneath the root, and none elsewhere")
{
    if (!lockdown_is_here()) return;
    CHECK(net([&] { return place.make_directory("data/root/alice/new"); }) == "0");
    CHECK(net([&] { return place.list("data/root/alice"); }) == "0");
    CHECK(net([&] { return outcome(::fsync(place.root.get())); }) == "0");
    CHECK(net([&] { return outcome(::syncfs(place.root.get())); }) == "0");
    CHECK(net([&] { return place.make_directory("data/new"); }) == "EACCES");
    CHECK(net([&] { return place.make_directory("outside/new"); }) == "EACCES");
    CHECK(net([&] { return place.list("outside"); }) == "EACCES");
    CHECK(net([&] { return place.list("data"); }) == "EACCES");
}

TEST_CASE_METHOD(LockdownTest, "threads that net starts later are held back as the first one")
{
    if (!lockdown_is_here()) return;
    CHECK(net([&] {
              std::string said;
              std::thread{[&] { said = place.open_file_by_openat2("data/users.db"); }}.join();
              return said;
          }) == "EACCES");
}

TEST_CASE_METHOD(LockdownTest,
                 "from inside auth there is no way out of the data directory, nor to any socket")
{
    if (!lockdown_is_here()) return;
    const UniqueFd socket{Place::tcp_socket()};
    const pid_t parent = ::getpid();
    CHECK(auth([&] { return place.open_file("outside/file"); }) == "EACCES");
    CHECK(auth([&] { return place.open_file("outside/new", O_WRONLY | O_CREAT); }) == "EACCES");
    CHECK(auth([&] { return place.open_file_by_openat2("outside/file"); }) == "SIGSYS");
    CHECK(auth([&] { return place.rename("outside/file", "outside/other"); }) == "EACCES");
    CHECK(auth([&] { return place.rename("data/users.db", "outside/users.db"); }) == "EACCES");
    CHECK(auth([&] { return place.remove("outside/file"); }) == "EACCES");
    CHECK(auth([&] { return place.remove("data/root/alice", AT_REMOVEDIR); }) == "EACCES");
    CHECK(auth([&] { return place.make_directory("data/new"); }) == "SIGSYS");
    CHECK(auth([&] { return place.list("outside"); }) == "EACCES");
    CHECK(auth([&] { return place.connect_with(socket.get()); }) == "SIGSYS");
    CHECK(auth([&] { return place.connect_by_sending(socket.get()); }) == "SIGSYS");
    CHECK(auth([&] { return Place::bind_with(socket.get()); }) == "SIGSYS");
    CHECK(auth(Place::open_socket) == "SIGSYS");
    CHECK(auth(Place::execute) == "SIGSYS");
    CHECK(auth([&] { return Place::signal(parent); }) == "SIGSYS");
    CHECK(auth([&] { return Place::trace(parent); }) == (sanitizer_build ? "EPERM" : "SIGSYS"));
    if (!sanitizer_build) CHECK(auth(Place::fork) == "SIGSYS");
}

TEST_CASE_METHOD(LockdownTest, "auth refuses a users.db of another user, and goes on")
{
    if (!lockdown_is_here()) return;
    if (::geteuid() != 0) {
        WARN("skipped: becoming another user needs root");
        return;
    }
    REQUIRE(::chmod(place.path("data/users.db").c_str(), 0644) == 0);
    const auto as_another_user = [&] {
        if (::setresuid(test::nobody, test::nobody, test::nobody) != 0) return outcome(-1);
        UsersFile users{place.data.get(), place.path("data")};
        harden_process();
        lock_down(Locked::auth, with(LockdownMode::require), place.data.get());
        return users.try_load().problems.at(0).what;
    };
    CHECK_THAT(in_process(as_another_user).how, test::contains("chmod 600"));
}

TEST_CASE_METHOD(LockdownTest, "auth reads and replaces the files of the data directory, and lists it")
{
    if (!lockdown_is_here()) return;
    CHECK(auth([&] { return place.open_file("data/users.db"); }) == "0");
    CHECK(auth([&] {
              const auto done = replace_file(place.data.get(), "users.db", "new", 0600, {});
              return done ? "0" : done.error().message();
          }) == "0");
    CHECK(place.top.read("data/users.db") == "new");
    CHECK(auth([&] {
              const auto text = read_private_file(place.data.get(), "users.db", 100);
              return text ? *text : text.error().message();
          }) == "new");
    CHECK(auth([&] { return place.list("data"); }) == "0");
    CHECK(auth([&] { return place.remove("data/users.db"); }) == "0");
}

TEST_CASE_METHOD(LockdownTest, "a process that is locked down still hashes and draws random bytes")
{
    if (!lockdown_is_here()) return;
    for (const Locked process : {Locked::net, Locked::auth, Locked::time})
        CHECK(locked(process, [] {
                  std::array<unsigned char, 32> out{};
                  const bool hashed = EVP_PBE_scrypt("pw", 2, out.data(), out.size(), 1024, 8, 1, 0,
                                                     out.data(), out.size()) == 1;
                  return hashed ? "0" : "no hash";
              }) == "0");
}

TEST_CASE("a hardened process can neither be read by others nor dump its memory nor gain rights")
{
    CHECK(in_process([] {
              harden_process();
              rlimit core{1, 1};
              ::getrlimit(RLIMIT_CORE, &core);
              return std::to_string(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)) + " " +
                     std::to_string(core.rlim_max) + " " + status_line("NoNewPrivs");
          }).how == "0 0 1");
}

TEST_CASE_METHOD(LockdownTest, "a process that has threads already is not locked down in part")
{
    if (!lockdown_is_here() || sanitizer_build) return;
    CHECK_THAT(in_process([&]() -> std::string {
                   std::mutex mutex;
                   std::unique_lock held{mutex};
                   std::thread waiting{[&] { const std::scoped_lock lock{mutex}; }};
                   try {
                       lock_down(Locked::net, {}, place.root.get());
                       return "locked down";
                   } catch (const std::logic_error& error) {
                       held.unlock();
                       waiting.join();
                       return error.what();
                   }
               }).how,
               starts_with("the process has threads already"));
}

TEST_CASE_METHOD(LockdownTest, "off locks nothing down, and says so")
{
    CHECK(in_process([&] {
              const Lockdown lockdown = lock_down(Locked::net, with(LockdownMode::off), place.root.get());
              return lockdown.in_force + lockdown.missing + " " + place.open_file("data/users.db") + " " +
                     status_line("Seccomp");
          }).how == "off 0 0");
    CHECK(lockdown_to_expect(with(LockdownMode::off)) == Lockdown{"off", {}});
}

TEST_CASE_METHOD(LockdownTest, "the lockdown in force is the expected one")
{
    if (!lockdown_is_here()) return;
    const Lockdown expected = lockdown_to_expect({});
    CHECK_THAT(expected.in_force, starts_with("Landlock ABI "));
    CHECK_THAT(expected.in_force, contains(", seccomp"));
    CHECK(in_process([&] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              return lock_down(Locked::auth, {}, place.data.get()).in_force;
          }).how == expected.in_force);
}

TEST_CASE_METHOD(LockdownTest, "a missing feature is named, and is an error if it is required")
{
    if (!lockdown_is_here()) return;
    // Landlock refuses a descriptor that is no directory of a file system.
    CHECK_THAT(in_process([&] {
                   ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                   const Lockdown lockdown =
                       lock_down(Locked::auth, with(LockdownMode::prefer), place.listener.get());
                   return lockdown.in_force + "|" + lockdown.missing;
               }).how,
               starts_with("seccomp|Landlock is not in force: "));
    CHECK_THAT(in_process([&] {
                   ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                   lock_down(Locked::auth, with(LockdownMode::require), place.listener.get());
                   return std::string{"locked down"};
               }).how,
               starts_with("threw: lockdown is required, and Landlock is not in force: "));
}
