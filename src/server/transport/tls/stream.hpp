// The bytes of one connection, in clear or through TLS. TLS works on the descriptor itself rather than
// through Asio's ssl::stream, whose buffers cost 50 KiB for every idle connection.
#pragma once

#include "server/event_loop/watched_socket.hpp"
#include "server/transport/tls/tls_context.hpp"
#include "server/transport/tls/tls_role.hpp"
#include "server/transport/tls/tls_version.hpp"
#include "shared/base/result.hpp"
#include "shared/protocol/session_key.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

using SSL = struct ssl_st;
using BIO = struct bio_st;

namespace ftpc::server {

class Stream {
public:
    // `socket`: one that does not block.
    Stream(EventLoop& loop, UniqueFd socket);
    Stream(const Stream&) = delete; // TLS knows it by its address
    Stream& operator=(const Stream&) = delete;

    // While nobody waits: goes on at another loop.
    void leave_loop() { socket_.leave_loop(); }
    void arrive(EventLoop& loop) { socket_.arrive(loop); }

    int descriptor() const { return socket_.descriptor(); }

    // Reads at least one byte. Fails with asio::error::eof at the end (for TLS: only after close_notify),
    // operation_aborted after cancel(), connection_reset and the like otherwise.
    boost::asio::awaitable<Result<std::size_t>> read_some(std::span<char> into);

    // Waits until read_now() may find something, without any memory set aside for it: how a connection idles.
    // A client that keeps sending lets the others have their turn first. Fails with operation_aborted after
    // cancel().
    boost::asio::awaitable<WatchedSocket::Result> until_readable();

    // Whether TLS itself has unsent bytes that the client does not take at present: the answer to a KeyUpdate
    // (RFC 8446 §4.6.3). write_all() waits until more fits.
    bool has_unsent() const { return has_unsent_; }

    // As read_some; fails with asio::error::would_block instead of waiting.
    Result<std::size_t> read_now(std::span<char> into);

    // The same while output is pending. If the client has ended its side, the next read reports that, and
    // this fails with would_block. After an end without close_notify OpenSSL writes nothing more.
    Result<std::size_t> read_more_now(std::span<char> into);

    // Waits for earlier unsent bytes, too.
    boost::asio::awaitable<error_code> write_all(std::string_view bytes);

    // Sends as much as it can without waiting, and returns how much that was. write_all sends the rest, or
    // reports why it cannot. Not while another write has not ended.
    std::size_t write_now(std::string_view bytes);

    // How many bytes the client's system has taken so far, or the buffers on the way to it.
    std::uint64_t bytes_sent() const { return bytes_sent_; }

    // The server's side of the handshake. Fails as read_some, and with errno EPROTO when TLS itself fails;
    // tls_error() then has OpenSSL's words. If the client has ended its side in the midst of TLS, the words
    // are plainer.
    boost::asio::awaitable<error_code> start_tls(TlsContext context, const TlsRole& role = {});
    const std::string& tls_error() const { return tls_error_; }

    const TlsContext& tls_context() const { return context_; }
    const TlsRole& tls_role() const { return role_; }
    bool resumed_session() const; // the handshake was that of a ticket

    // Sends close_notify, waits for that of the client and goes on in clear.
    boost::asio::awaitable<error_code> stop_tls();

    // Says that nothing more will be sent (close_notify, then FIN). Waits until the client's system takes
    // that.
    boost::asio::awaitable<error_code> end_sending();

    // The same without waiting; close_notify may get lost.
    void finish_sending();

    // Takes further bytes of the client and throws them away, until it ends, or `most` bytes have come, or
    // cancel() is called.
    boost::asio::awaitable<void> discard_to_end(std::size_t most);

    // The same as far as nothing has to be waited for. True: the client has ended its side, too.
    bool discard_now(std::size_t most);

    TlsVersion tls_version() const;
    std::string_view tls_version_name() const; // "TLSv1.3"; for the log
    std::string_view tls_cipher_name() const;
    Result<ChannelBinding> channel_binding() const; // RFC 9266 §2; fails without TLS

    // The client has reset the connection, or closed it for reading, too: nothing can be said to it any more.
    bool is_reset() const { return socket_.is_reset(); }

    // Ends the read or write that is waiting, with operation_aborted.
    void cancel();
    void close();
    // Closes so that the client sees a reset, even if it has not taken all that was sent.
    void reset();

private:
    struct FreeSsl {
        void operator()(SSL* ssl) const;
    };
    // The result of a call that does not wait. If it failed with asio::error::would_block, `until` is the
    // event to wait for.
    struct Attempt {
        std::size_t bytes = 0;
        error_code failure;
        WatchedSocket::Event until = WatchedSocket::Event::readable;
    };
    Attempt receive(std::span<char> into);
    Attempt receive_in_clear(std::span<char> into);
    Attempt send(std::string_view bytes);
    Attempt send_by_tls(std::string_view bytes);
    Attempt send_in_clear(std::string_view bytes);
    static Attempt would_block(WatchedSocket::Event what);
    // After an SSL call that returned `result`.
    Attempt outcome(int result, std::size_t bytes);
    // Waits until the failed call can be tried again, or returns why not.
    boost::asio::awaitable<error_code> until_possible(const Attempt& failed);
    // Whether TLS holds bytes that the socket will not announce again.
    bool has_pending() const;
    // OpenSSL is about to receive, or has received; false keeps it from doing so.
    bool before_receiving();
    void after_receiving(std::size_t bytes, std::size_t asked);
    static long on_receiving(BIO* bio, int operation, const char* data, std::size_t size, int number,
                             long large_number, int result, std::size_t* bytes);

    WatchedSocket socket_;
    TlsContext context_;
    TlsRole role_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
    std::string tls_error_;
    std::uint64_t bytes_sent_ = 0;
    bool has_unsent_ = false;   // when it last tried to read
    bool lacks_bytes_ = false;  // bytes inside TLS are of no use before more have come
    bool may_receive_ = false;  // the SSL call under way may still read from the socket
    bool leaves_end_ = false;   // and is not to be told that the client has ended its side
    std::size_t tls_bytes_ = 0; // received since TLS last gave out anything for us
};

} // namespace ftpc::server
