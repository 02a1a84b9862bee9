// A TLS client and the server in one process, joined by memory.
#pragma once

#include "server/transport/tls/tls_context.hpp"
#include "server/transport/tls/tls_role.hpp"
#include "support/catch.hpp"
#include "support/own_certificate.hpp"

#include <array>
#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace ftpc::test {

class TlsPair {
public:
    static inline const server::TlsRole control_role{
        .kind = server::TlsRole::Kind::control, .control_connection = {1}, .tickets = 2, .alpn = "\3ftp"};
    static inline const server::TlsRole data_role{
        .kind = server::TlsRole::Kind::data, .control_connection = {1}, .tickets = 1, .alpn = "\3ftp"};

    explicit TlsPair(const OwnCertificate& own)
        : server_context_{server::make_tls_context(own.certificate(), own.key())},
          client_context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free}
    {
        // The client is as lax as it can be, so that it is the server who refuses.
        SSL_CTX_set_security_level(client_context_.get(), 0);
        SSL_CTX_set_min_proto_version(client_context_.get(), TLS1_VERSION);
    }

    SSL_CTX* client_context() { return client_context_.get(); }

    // `session`: that the client would like to resume; null: none.
    bool shake_hands(const server::TlsRole& role = control_role, SSL_SESSION* session = nullptr)
    {
        role_ = role;
        server_.reset(SSL_new(server_context_.get()));
        client_.reset(SSL_new(client_context_.get()));
        server::set_role(server_.get(), role_);
        if (session != nullptr) SSL_set_session(client_.get(), session);
        BIO* server_end = nullptr;
        BIO* client_end = nullptr;
        REQUIRE(BIO_new_bio_pair(&server_end, 0, &client_end, 0) == 1);
        SSL_set_bio(server_.get(), server_end, server_end);
        SSL_set_bio(client_.get(), client_end, client_end);
        SSL_set_accept_state(server_.get());
        SSL_set_connect_state(client_.get());
        return drive();
    }

    // Lets both work until neither gets any further; whether both have finished their handshake.
    bool drive()
    {
        bool server_done = false;
        bool client_done = false;
        for (int i = 0; i < 20; ++i) {
            client_done = SSL_do_handshake(client_.get()) == 1;
            server_done = SSL_do_handshake(server_.get()) == 1;
        }
        ERR_clear_error();
        return server_done && client_done;
    }

    // Application data from the client to the server, and with it anything else under way.
    std::string send(const std::string& text)
    {
        std::array<char, 64> received{};
        SSL_write(client_.get(), text.data(), static_cast<int>(text.size()));
        const int got = SSL_read(server_.get(), received.data(), static_cast<int>(received.size()));
        ERR_clear_error();
        return got > 0 ? std::string{received.data(), static_cast<std::size_t>(got)} : std::string{};
    }

    SSL* client() { return client_.get(); }
    bool resumed() const { return SSL_session_reused(server_.get()) == 1; }

    // The session of the newest ticket that the client has. With TLS 1.3 tickets come behind the handshake.
    std::shared_ptr<SSL_SESSION> client_session()
    {
        SSL_write(server_.get(), "x", 1);
        std::array<char, 8> received{};
        SSL_read(client_.get(), received.data(), static_cast<int>(received.size()));
        SSL_set_shutdown(client_.get(), SSL_SENT_SHUTDOWN); // else its end would spoil the session
        return {SSL_get1_session(client_.get()), SSL_SESSION_free};
    }
    std::string version() const { return SSL_get_version(server_.get()); }
    std::string protocol() const
    {
        const unsigned char* name = nullptr;
        unsigned bytes = 0;
        SSL_get0_alpn_selected(client_.get(), &name, &bytes);
        return name == nullptr ? std::string{} : std::string{reinterpret_cast<const char*>(name), bytes};
    }

private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    server::TlsContext server_context_;
    server::TlsRole role_; // outlives server_
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> client_context_;
    std::unique_ptr<SSL, Free> server_;
    std::unique_ptr<SSL, Free> client_;
};

} // namespace ftpc::test
