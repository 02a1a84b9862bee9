#include "benchmark/ftp_session.hpp"

#include "shared/base/base64.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <span>
#include <stdexcept>

#include <openssl/err.h>

namespace ftpc::benchmark {

namespace {

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Whether a reply ends with this line: three digits that no hyphen follows (RFC 959 §4.2).
bool is_last_line(std::string_view line)
{
    return line.size() >= 3 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]) &&
           (line.size() == 3 || line[3] == ' ');
}

int code_of(std::string_view line)
{
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

} // namespace

FtpSession::FtpSession(const Target& target, SSL_CTX* context, const Credentials& credentials, Owner& owner,
                       std::size_t number)
    : socket_{connect_to(target)}, context_{context}, credentials_{credentials}, owner_{owner}, number_{
                                                                                                    number}
{
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
    if (credentials_.method == Method::bare_tls) {
        begin_tls();
    } else if (credentials_.method == Method::session_key) {
        outgoing_ = "AUTH TLS\r\n";
        flush();
    }
}

void FtpSession::advance()
{
    if (phase_ == Phase::handshake) {
        handshake();
        flush();
        return;
    }
    do {
        if (!fill()) break;
        take_replies();
    } while (ssl_ && phase_ != Phase::handshake && SSL_has_pending(ssl_.get()) == 1);
    flush();
}

void FtpSession::make_blocking()
{
    ::fcntl(socket_.get(), F_SETFL, 0);
    SSL_set_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
}

void FtpSession::say_goodbye()
{
    if (ssl_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

// Whether anything was read.
bool FtpSession::fill()
{
    std::array<char, 16384> room;
    ssize_t got = 0;
    if (ssl_) {
        const int result = SSL_read(ssl_.get(), room.data(), room.size());
        if (result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return false;
        got = result;
    } else {
        got = ::recv(socket_.get(), room.data(), room.size(), 0);
        if (got < 0 && errno == EAGAIN) return false;
    }
    if (got <= 0) throw std::runtime_error{"the server closed a connection"};
    received_.append(room.data(), static_cast<std::size_t>(got));
    return true;
}

void FtpSession::take_replies()
{
    std::size_t reply_begin = 0;
    std::size_t line_begin = 0;
    while (true) {
        const auto end = received_.find("\r\n", line_begin);
        if (end == std::string::npos) break;
        const std::string_view line{received_.data() + line_begin, end - line_begin};
        line_begin = end + 2;
        if (!is_last_line(line)) continue;
        take_reply({code_of(line), {received_.data() + reply_begin, end - reply_begin}});
        reply_begin = line_begin;
    }
    received_.erase(0, reply_begin);
    if (phase_ == Phase::ready) owner_.on_replies_read(*this);
}

void FtpSession::expect(const Reply& reply, int code) const
{
    if (reply.code != code)
        throw std::runtime_error{"expected " + std::to_string(code) + ", got: " + std::string{reply.text}};
}

void FtpSession::take_reply(const Reply& reply)
{
    switch (phase_) {
    case Phase::greeting:
        expect(reply, 220);
        if (credentials_.method != Method::session_key) outgoing_ += "AUTH TLS\r\n";
        phase_ = Phase::auth_tls;
        return;
    case Phase::auth_tls:
        expect(reply, 234);
        begin_tls();
        return;
    case Phase::handshake:
        throw std::runtime_error{"a reply in clear behind 234"};
    case Phase::user:
        expect(reply, 331);
        if (credentials_.method == Method::password) outgoing_ += "PASS " + credentials_.password + "\r\n";
        phase_ = Phase::login;
        return;
    case Phase::login:
        expect(reply, 230);
        phase_ = Phase::ready;
        owner_.on_ready(*this);
        return;
    case Phase::ready:
        owner_.on_reply(*this, reply);
        return;
    }
}

void FtpSession::begin_tls()
{
    ssl_.reset(SSL_new(context_));
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.get()) != 1) throw std::runtime_error{"no TLS"};
    phase_ = Phase::handshake;
    handshake();
}

void FtpSession::handshake()
{
    const int result = SSL_connect(ssl_.get());
    if (result == 1) return log_in();
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ)
        throw std::runtime_error{"TLS handshake failed"};
}

void FtpSession::log_in()
{
    phase_ = Phase::user;
    switch (credentials_.method) {
    case Method::bare_tls:
    case Method::none:
        phase_ = Phase::ready;
        owner_.on_ready(*this);
        return;
    case Method::password:
        outgoing_ += "USER " + credentials_.user + "\r\n";
        return;
    case Method::prehash:
        outgoing_ += "USER " + credentials_.user + "\r\nSITE AUTH PREHASH1 " + credentials_.prehash + "\r\n";
        return;
    case Method::session_key:
        outgoing_ += "USER " + credentials_.user + "\r\n" + session_key_line();
        return;
    }
}

std::string FtpSession::session_key_line()
{
    ChannelBinding binding;
    if (SSL_export_keying_material(ssl_.get(), binding.data(), binding.size(), channel_binding_label.data(),
                                   channel_binding_label.size(), nullptr, 0, 0) != 1)
        throw std::runtime_error{"no channel binding"};
    const auto& id = credentials_.session_id;
    const auto signature = sign_session(credentials_.session_key, binding, id, credentials_.user);
    return "SITE AUTH SESSKEY1 " + hex_encode(id) + " " + base64_encode(signature) + "\r\n";
}

// How much of it was taken; 0 if the socket is full.
int FtpSession::send_some(std::string_view bytes)
{
    if (!ssl_) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) throw std::runtime_error{"the server closed a connection"};
        return sent < 0 ? 0 : static_cast<int>(sent);
    }
    const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent > 0) return sent;
    if (SSL_get_error(ssl_.get(), sent) != SSL_ERROR_WANT_WRITE)
        throw std::runtime_error{"the server closed a connection"};
    return 0;
}

void FtpSession::flush()
{
    std::size_t sent = 0;
    wants_write_ = false;
    while (sent < outgoing_.size() && !wants_write_) {
        const int taken = send_some(std::string_view{outgoing_}.substr(sent));
        wants_write_ = taken == 0;
        sent += static_cast<std::size_t>(taken);
    }
    outgoing_.erase(0, sent);
}

} // namespace ftpc::benchmark
