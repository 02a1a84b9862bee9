// ftp_load: makes directories on any FTP server with explicit TLS, as fast as the server answers, and says
// how fast that was; or holds many idle sessions open. One JSON object a line on standard output.
//
//   ftp_load --server HOST:PORT --user NAME --password-stdin --directories 20000 --in-flight 64
//   ftp_load --server HOST:PORT --user NAME --password-stdin --idle 1000       (until end of standard input)

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/program_options.hpp>
#include <openssl/ssl.h>

namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

struct Target {
    std::string host;
    std::string port;
    std::string user;
    std::string password;
};

class Session {
public:
    Session(SSL_CTX* context, const Target& target) : socket_{connect(target)}
    {
        read_reply();
        command("AUTH TLS");
        ssl_.reset(SSL_new(context));
        SSL_set_fd(ssl_.get(), socket_);
        if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error{"TLS handshake failed"};
        command("USER " + target.user);
        if (command("PASS " + target.password) != 230) throw std::runtime_error{"login refused"};
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { ::close(socket_); }

    int command(const std::string& line)
    {
        send(line + "\r\n");
        return read_reply();
    }

    // Keeps up to `in_flight` commands unanswered; counts the replies that are not 257 in `refused`.
    void make_directories(const std::string& prefix, unsigned count, unsigned in_flight, unsigned& refused)
    {
        unsigned sent = 0;
        unsigned answered = 0;
        while (answered < count) {
            std::string batch;
            for (; sent < count && sent - answered < in_flight; ++sent)
                batch += "MKD " + prefix + std::to_string(sent) + "\r\n";
            send(batch);
            // Whatever has been answered by now makes room for as many more.
            do {
                if (read_reply() != 257) ++refused;
                ++answered;
            } while (has_whole_line());
        }
    }

private:
    static int connect(const Target& target)
    {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* list = nullptr;
        if (::getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &list) != 0)
            throw std::runtime_error{"no such host"};
        const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{list, ::freeaddrinfo};
        const int fd = ::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ::connect(fd, list->ai_addr, list->ai_addrlen) != 0)
            throw std::runtime_error{"cannot connect"};
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return fd;
    }

    void send(std::string_view bytes)
    {
        if (bytes.empty()) return;
        const bool sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0
                               : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
        if (!sent) throw std::runtime_error{"connection lost"};
    }

    bool has_whole_line() const { return received_.find("\r\n", begin_) != std::string::npos; }

    std::string_view read_line()
    {
        if (begin_ > 65536) {
            received_.erase(0, begin_);
            begin_ = 0;
        }
        while (!has_whole_line()) {
            std::array<char, 16384> chunk;
            const auto got = ssl_ ? SSL_read(ssl_.get(), chunk.data(), chunk.size())
                                  : static_cast<int>(::recv(socket_, chunk.data(), chunk.size(), 0));
            if (got <= 0) throw std::runtime_error{"connection lost"};
            received_.append(chunk.data(), static_cast<std::size_t>(got));
        }
        const auto end = received_.find("\r\n", begin_);
        const std::string_view line{received_.data() + begin_, end - begin_};
        begin_ = end + 2;
        return line;
    }

    // The code of the next reply, whose last line has a space behind its code.
    int read_reply()
    {
        while (true) {
            const std::string_view line = read_line();
            const bool last =
                line.size() >= 3 && line[0] >= '1' && line[0] <= '5' && (line.size() == 3 || line[3] == ' ');
            if (last) return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        }
    }

    struct FreeSsl {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    int socket_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
    std::string received_;
    std::size_t begin_ = 0;
};

void run_directories(SSL_CTX* context, const Target& target, const po::variables_map& options)
{
    const auto count = options["directories"].as<unsigned>();
    const auto in_flight = options["in-flight"].as<unsigned>();
    Session session{context, target};
    unsigned refused = 0;
    const auto begin = Clock::now();
    session.make_directories(options["prefix"].as<std::string>(), count, in_flight, refused);
    const std::chrono::duration<double> seconds = Clock::now() - begin;
    std::cout << "{\"directories\":" << count << ",\"in_flight\":" << in_flight << ",\"refused\":" << refused
              << ",\"seconds\":" << seconds.count() << ",\"per_second\":" << count / seconds.count() << "}\n";
}

void run_idle(SSL_CTX* context, const Target& target, unsigned count)
{
    std::vector<std::unique_ptr<Session>> sessions;
    while (sessions.size() < count)
        sessions.push_back(std::make_unique<Session>(context, target));
    std::cout << "{\"idle\":" << count << "}" << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
    }
    for (const auto& session : sessions)
        if (session->command("NOOP") != 200)
            throw std::runtime_error{"an idle session does not answer any more"};
    std::cout << "{\"answering\":" << count << "}\n";
}

Target parse_target(const po::variables_map& options)
{
    const auto server = options["server"].as<std::string>();
    const auto colon = server.rfind(':');
    if (colon == std::string::npos) throw std::runtime_error{"--server is HOST:PORT"};
    Target target{server.substr(0, colon), server.substr(colon + 1), options["user"].as<std::string>(), {}};
    std::getline(std::cin, target.password);
    return target;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        po::options_description description{"ftp_load"};
        description.add_options()("help", "show this text")("server", po::value<std::string>()->required(),
                                                            "HOST:PORT")(
            "user", po::value<std::string>()->required(), "name")(
            "password-stdin", "the only way to give the password")("directories", po::value<unsigned>(),
                                                                   "how many to make")(
            "in-flight", po::value<unsigned>()->default_value(1), "commands sent ahead of their replies")(
            "prefix", po::value<std::string>()->default_value("d"), "what names begin with")(
            "idle", po::value<unsigned>(), "sessions to hold open until end of standard input");
        po::variables_map options;
        po::store(po::parse_command_line(argc, argv, description), options);
        if (options.count("help") != 0) {
            std::cout << description;
            return 0;
        }
        po::notify(options);
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()),
                                                                        SSL_CTX_free};
        const Target target = parse_target(options);
        if (options.count("idle") != 0)
            run_idle(context.get(), target, options["idle"].as<unsigned>());
        else
            run_directories(context.get(), target, options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "ftp_load: " << error.what() << "\n";
        return 1;
    }
}
