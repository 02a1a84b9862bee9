// A server for one test: for each connection, in turn, a script of its reads and writes, in a thread.
#pragma once

#include "shared/base/unique_fd.hpp"
#include "shared/protocol/fingerprint.hpp"
#include "shared/protocol/session_key.hpp"
#include "support/time_scale.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace ftpc::test {

inline void expect(bool done, const char* what)
{
    if (!done) throw std::runtime_error{what};
}

// A self-signed certificate for localhost and 127.0.0.1, made in memory.
class Certificate {
public:
    Certificate() : Certificate{-60, 3600} {}

    // Valid from `begin` to `end`, both in seconds from now.
    Certificate(long begin, long end)
        : key_{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free}, certificate_{X509_new(),
                                                                                                X509_free}
    {
        X509* const x509 = certificate_.get();
        X509_set_version(x509, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509), begin);
        X509_gmtime_adj(X509_getm_notAfter(x509), end);
        X509_set_pubkey(x509, key_.get());
        add_extension(NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
        expect(X509_sign(x509, key_.get(), EVP_sha256()) > 0, "sign the certificate");
    }

    std::string fingerprint() const { return ftpc::fingerprint(certificate_.get()); }

    std::string pem() const
    {
        const std::unique_ptr<BIO, decltype(&BIO_free)> bio{BIO_new(BIO_s_mem()), BIO_free};
        expect(PEM_write_bio_X509(bio.get(), certificate_.get()) == 1, "write the certificate");
        std::string text(BIO_ctrl_pending(bio.get()), '\0');
        BIO_read(bio.get(), text.data(), static_cast<int>(text.size()));
        return text;
    }

    X509* get() const { return certificate_.get(); }
    EVP_PKEY* key() const { return key_.get(); }

private:
    void add_extension(int nid, const char* value)
    {
        const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension{
            X509V3_EXT_conf_nid(nullptr, nullptr, nid, value), X509_EXTENSION_free};
        expect(extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1,
               "extend the certificate");
    }

    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
};

// The server's side of one connection. Everything throws when the client goes away or makes the script wait
// too long; that ends the script.
class Peer {
public:
    Peer(UniqueFd socket, const Certificate& certificate)
        : socket_{std::move(socket)}, certificate_{certificate}
    {
        const auto limit = std::chrono::duration_cast<std::chrono::seconds>(patience()).count();
        const timeval time{limit, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
        const int on = 1;
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    // One line, without its CRLF.
    std::string read_line()
    {
        auto end = buffered_.find("\r\n");
        while (end == std::string::npos) {
            expect(receive(), "the client sends a line");
            end = buffered_.find("\r\n");
        }
        std::string line = buffered_.substr(0, end);
        buffered_.erase(0, end + 2);
        return line;
    }

    // All lines up to and including one that is `last`.
    std::vector<std::string> read_lines_until(std::string_view last)
    {
        std::vector<std::string> lines;
        do
            lines.push_back(read_line());
        while (lines.back() != last);
        return lines;
    }

    void write(std::string_view text)
    {
        if (!tls_) return write_in_clear(text);
        std::size_t bytes = 0;
        expect(SSL_write_ex(tls_.get(), text.data(), text.size(), &bytes) == 1,
               "the client takes what is sent");
    }

    void write_in_clear(std::string_view text)
    {
        const auto sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        expect(sent == static_cast<ssize_t>(text.size()), "the client takes what is sent in clear");
    }

    void start_tls(int newest_version = TLS1_3_VERSION)
    {
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()),
                                                                        SSL_CTX_free};
        SSL_CTX_set_max_proto_version(context.get(), newest_version);
        SSL_CTX_set_num_tickets(context.get(), 0);
        SSL_CTX_use_certificate(context.get(), certificate_.get());
        SSL_CTX_use_PrivateKey(context.get(), certificate_.key());
        tls_ = {SSL_new(context.get()), SSL_free};
        SSL_set_fd(tls_.get(), socket_.get());
        expect(SSL_accept(tls_.get()) == 1, "the client makes the TLS handshake");
    }

    // As RFC 4217 has it; the greeting is held back until AUTH TLS has come.
    void greet_and_start_tls()
    {
        expect(read_line() == "AUTH TLS", "the client begins with AUTH TLS");
        write("220 ready\r\n234 Begin TLS.\r\n");
        start_tls();
    }

    // Waits for the end of the connection; true when the client said close_notify.
    bool client_said_goodbye()
    {
        while (receive()) {
        }
        return tls_ && (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
    }

    ChannelBinding channel_binding() const
    {
        ChannelBinding binding;
        expect(SSL_export_keying_material(tls_.get(), binding.data(), binding.size(),
                                          channel_binding_label.data(), channel_binding_label.size(), nullptr,
                                          0, 1) == 1,
               "the exporter works");
        return binding;
    }

    // Messages of TLS itself (RFC 8446 §4.6), with nothing in them for the client.
    void send_session_ticket()
    {
        expect(SSL_new_session_ticket(tls_.get()) == 1 && SSL_do_handshake(tls_.get()) == 1 &&
                   !client_has_gone(),
               "the client takes a session ticket");
    }
    void send_key_update(int kind)
    {
        expect(SSL_key_update(tls_.get(), kind) == 1 && SSL_do_handshake(tls_.get()) == 1 &&
                   !client_has_gone(),
               "the client takes a KeyUpdate");
    }

    void say_goodbye() { SSL_shutdown(tls_.get()); }

private:
    // OpenSSL does not say so of a message that it could not send.
    bool client_has_gone() const
    {
        pollfd socket{socket_.get(), POLLRDHUP, 0};
        return ::poll(&socket, 1, 0) != 0;
    }

    bool receive()
    {
        char bytes[4096];
        const auto got = tls_ ? SSL_read(tls_.get(), bytes, sizeof bytes)
                              : static_cast<int>(::recv(socket_.get(), bytes, sizeof bytes, 0));
        if (got > 0) buffered_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    }

    UniqueFd socket_;
    const Certificate& certificate_;
    std::shared_ptr<SSL> tls_;
    std::string buffered_;
};

class ScriptedServer {
public:
    using Script = std::function<void(Peer&)>;

    // Listens on 127.0.0.1 and plays a script for each connection, the first script for the first connection.
    explicit ScriptedServer(std::vector<Script> scripts, Certificate certificate = {})
        : certificate_{std::move(certificate)}, listening_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}
    {
        // OpenSSL writes without MSG_NOSIGNAL; the programs ignore the signal, and so do their tests.
        std::signal(SIGPIPE, SIG_IGN);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        expect(::bind(listening_.get(), generic, size) == 0 && ::listen(listening_.get(), 8) == 0 &&
                   ::getsockname(listening_.get(), generic, &size) == 0,
               "listen on loopback");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread{[this, plays = std::move(scripts)] { play(plays); }};
    }
    explicit ScriptedServer(Script script) : ScriptedServer{std::vector<Script>{std::move(script)}} {}
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer()
    {
        ::shutdown(listening_.get(), SHUT_RDWR); // wakes a thread that still waits for a connection
        if (thread_.joinable()) thread_.join();
    }

    std::uint16_t port() const { return port_; }
    const Certificate& certificate() const { return certificate_; }

    // Waits for the end of the scripts. Why one ended early; empty when all were played to their end.
    std::string finish()
    {
        thread_.join();
        return problem_;
    }

private:
    void play(const std::vector<Script>& scripts)
    {
        try {
            for (const Script& script : scripts) {
                pollfd waiting{listening_.get(), POLLIN, 0};
                expect(::poll(&waiting, 1, static_cast<int>(patience().count())) == 1, "a client connects");
                UniqueFd socket{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
                expect(static_cast<bool>(socket), "a client connects");
                Peer peer{std::move(socket), certificate_};
                script(peer);
            }
        } catch (const std::exception& problem) {
            problem_ = std::string{"expected that "} + problem.what();
        }
    }

    Certificate certificate_;
    UniqueFd listening_;
    std::uint16_t port_ = 0;
    std::string problem_;
    std::thread thread_;
};

} // namespace ftpc::test
