#include "benchmark/child_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <system_error>
#include <thread>
#include <vector>

namespace ftpc::benchmark {

namespace {

void accept_forever(int listener, const std::function<void(int)>& serve)
{
    while (true) {
        const UniqueFd connection{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
        if (!connection) continue;
        const int on = 1;
        ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        serve(connection.get());
    }
}

[[noreturn]] void run_child(int listener, unsigned threads, const std::function<void(int)>& serve)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < threads; ++i)
        others.emplace_back([&] { accept_forever(listener, serve); });
    accept_forever(listener, serve);
    ::_exit(0); // not reached: the parent ends this process
}

} // namespace

ChildServer::ChildServer(unsigned threads, const std::function<void(int)>& serve) : target_{}
{
    const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    target_.address.ss_family = AF_INET;
    target_.address_bytes = sizeof target_.address;
    auto* const in = reinterpret_cast<sockaddr_in*>(&target_.address);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const address = reinterpret_cast<sockaddr*>(&target_.address);
    if (!listener || ::bind(listener.get(), address, sizeof(sockaddr_in)) != 0 ||
        ::listen(listener.get(), 1024) != 0 ||
        ::getsockname(listener.get(), address, &target_.address_bytes) != 0)
        throw std::system_error{errno, std::system_category(), "cannot listen"};
    child_ = ::fork();
    if (child_ < 0) throw std::system_error{errno, std::system_category(), "fork"};
    if (child_ == 0) run_child(listener.get(), threads, serve);
}

ChildServer::~ChildServer()
{
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
}

} // namespace ftpc::benchmark
