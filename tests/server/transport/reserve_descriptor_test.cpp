#include "server/transport/reserve_descriptor.hpp"

#include "server/listening/listening_sockets.hpp"
#include "support/catch.hpp"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using Outcome = ReserveDescriptor::Outcome;

namespace {

UniqueFd connect_to(const ListeningSocket& listening)
{
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listening.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    return fd;
}

std::string all_that_comes(const UniqueFd& fd)
{
    std::string text;
    std::array<char, 256> chunk{};
    for (ssize_t got = 0; (got = ::recv(fd.get(), chunk.data(), chunk.size(), 0)) > 0;)
        text.append(chunk.data(), static_cast<std::size_t>(got));
    return text;
}

// Lowers the limit of descriptors to the number in use, for as long as it lives.
class NoDescriptors {
public:
    NoDescriptors()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(UniqueFd{::dup(0)}.get()); // the lowest that is free
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

} // namespace

TEST_CASE("without any descriptor left clients are told so, one after another")
{
    const auto listening = std::move(open_listening_sockets({"127.0.0.1:0"}).sockets.front());
    ReserveDescriptor reserve{listening.fd.get()};
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 3; ++i)
        clients.push_back(connect_to(listening));
    {
        const NoDescriptors none;
        REQUIRE(::accept(listening.fd.get(), nullptr, nullptr) == -1);
        REQUIRE(errno == EMFILE);
        for (int i = 0; i < 3; ++i)
            CHECK((reserve.turn_away_next(listening.fd.get(), "421 full\r\n") == Outcome::turned_away));
        CHECK((reserve.turn_away_next(listening.fd.get(), "421 full\r\n") == Outcome::nobody_waits));
        CHECK(::dup(0) == -1);
    }
    for (const UniqueFd& client : clients)
        CHECK(all_that_comes(client) == "421 full\r\n");
}
