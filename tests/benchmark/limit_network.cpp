#include "benchmark/child_server.hpp"
#include "benchmark/limits.hpp"
#include "benchmark/login_load.hpp"
#include "benchmark/statistics.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace ftpc::benchmark {

namespace {

TlsContext make_server_context(const std::string& certificate_file, const std::string& key_file)
{
    TlsContext context{SSL_CTX_new(TLS_server_method())};
    if (!context || SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        throw std::runtime_error{"cannot use " + certificate_file + " and " + key_file};
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_read_ahead(context.get(), 1);
    return context;
}

void shake_hands(SSL_CTX* context, int connection)
{
    const TlsStream ssl{SSL_new(context)};
    std::array<char, 64> ignored;
    SSL_set_fd(ssl.get(), connection);
    if (SSL_accept(ssl.get()) == 1) SSL_read(ssl.get(), ignored.data(), ignored.size());
}

// Whether all of it came, in as many reads as it takes.
bool receive(int fd, std::vector<char>& room)
{
    std::size_t got = 0;
    while (got < room.size()) {
        const auto more = ::read(fd, room.data() + got, room.size() - got);
        if (more <= 0) return false;
        got += static_cast<std::size_t>(more);
    }
    return true;
}

void echo(int connection, std::size_t request_bytes, std::size_t reply_bytes)
{
    std::vector<char> request(request_bytes);
    const std::vector<char> reply(reply_bytes, 'r');
    while (receive(connection, request) &&
           ::write(connection, reply.data(), reply.size()) == static_cast<ssize_t>(reply.size())) {
    }
}

} // namespace

boost::json::object measure_handshakes(const std::string& certificate_file, const std::string& key_file,
                                       unsigned at_once, double seconds)
{
    const TlsContext server_context = make_server_context(certificate_file, key_file);
    const ChildServer server{at_once, [&](int connection) { shake_hands(server_context.get(), connection); }};
    const TlsContext context = make_client_context();
    Credentials credentials;
    credentials.method = Method::bare_tls;
    return run_logins(server.target(), context.get(), credentials, at_once, seconds);
}

boost::json::object measure_ping_pong(std::size_t request_bytes, std::size_t reply_bytes, double seconds)
{
    const ChildServer server{1, [=](int connection) { echo(connection, request_bytes, reply_bytes); }};
    const Target& target = server.target();
    const UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&target.address), target.address_bytes) != 0)
        throw std::system_error{errno, std::system_category(), "cannot connect"};
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::vector<char> request(request_bytes, 'q');
    std::vector<char> reply(reply_bytes);
    std::uint64_t count = 0;
    const auto begin = Clock::now();
    for (; count % 16 != 0 || seconds_since(begin) < seconds; ++count)
        if (::write(fd.get(), request.data(), request.size()) != static_cast<ssize_t>(request.size()) ||
            !receive(fd.get(), reply))
            throw std::runtime_error{"the other side is gone"};
    const double taken = seconds_since(begin);
    return {{"round_trips", count}, {"seconds", taken}, {"per_second", static_cast<double>(count) / taken}};
}

} // namespace ftpc::benchmark
