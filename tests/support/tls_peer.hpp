// A client at the other end of a connected socket, in clear or through TLS, which waits for what it reads.
#pragma once

#include "shared/base/unique_fd.hpp"
#include "support/time_scale.hpp"
#include "support/tls_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ftpc::test {

class TlsPeer {
public:
    explicit TlsPeer(UniqueFd socket) : socket_{std::move(socket)} {}

    void start_tls()
    {
        tls_.emplace();
        while (!tls_->shake_hands()) {
            send_what_is_left();
            receive();
        }
        send_what_is_left();
    }

    void write(std::string_view text)
    {
        if (!tls_) return send(text);
        tls_->write(text);
        send_what_is_left();
    }

    // The next line without its CRLF; "(end)" if the other side has ended instead.
    std::string line()
    {
        while (text_.find("\r\n") == std::string::npos)
            if (!receive()) return "(end)";
        const auto end = text_.find("\r\n");
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 2);
        return line;
    }

    // So many bytes.
    std::string bytes(std::size_t number)
    {
        while (text_.size() < number)
            if (!receive()) throw std::runtime_error{"the other side has ended"};
        std::string bytes = text_.substr(0, number);
        text_.erase(0, number);
        return bytes;
    }

    void close() { socket_.reset(); }

private:
    void send(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            wait_for(POLLOUT);
            const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) throw std::runtime_error{"nothing can be sent"};
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void send_what_is_left() { send(tls_->take(std::string::npos)); }

    // False at the end.
    bool receive()
    {
        wait_for(POLLIN);
        std::array<char, 4096> buffer{};
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0) return false;
        const std::string_view bytes{buffer.data(), static_cast<std::size_t>(got)};
        if (!tls_) {
            text_ += bytes;
            return true;
        }
        tls_->receive(bytes);
        text_ += tls_->read();
        return !tls_->server_has_finished() || !text_.empty();
    }

    void wait_for(short event) const
    {
        pollfd ready{socket_.get(), event, 0};
        if (::poll(&ready, 1, static_cast<int>(patience().count())) != 1)
            throw std::runtime_error{"the other side does not answer"};
    }

    UniqueFd socket_;
    std::optional<TlsClient> tls_;
    std::string text_;
};

} // namespace ftpc::test
