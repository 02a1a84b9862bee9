// Waiting for the sockets of connections, on the thread of their reactor. Each is registered once and tells
// of changes only (edge-triggered, epoll(7)); Asio's own waits would cost an epoll_ctl(2) each.
#pragma once

#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <unordered_set>

namespace ftpc::server {

class WatchedSocket;

// Who takes what a socket has to read, on the thread of its poller, without being resumed for it each time.
class SocketReader {
public:
    // There may be something to read. True when all has been read and dealt with: the next change will be
    // told, too. False when the coroutine that waits has to go on.
    virtual bool on_readable() = 0;

protected:
    SocketReader() = default;
    ~SocketReader() = default;
    SocketReader(const SocketReader&) = default;
    SocketReader& operator=(const SocketReader&) = default;
};

class SocketPoller {
public:
    // `io`: the loop of the same thread.
    explicit SocketPoller(boost::asio::io_context& io);
    SocketPoller(const SocketPoller&) = delete;
    SocketPoller& operator=(const SocketPoller&) = delete;

    // Resumes the coroutines whose sockets are ready, without waiting for any; how many events there were.
    std::size_t poll();

    // Readable when poll() would find something.
    int descriptor() const { return epoll_.get(); }

    // Takes the waiting coroutines apart. To be called before `io` goes; their sockets may outlive the call.
    void abandon();

private:
    friend class WatchedSocket;

    boost::asio::io_context& io_;
    UniqueFd epoll_;
    std::unordered_set<WatchedSocket*> sockets_;
};

// A connected socket that does not block. Used on the thread of `poller`, but for making it.
class WatchedSocket {
public:
    enum class Event { readable, writable };

    WatchedSocket(SocketPoller& poller, UniqueFd socket) : poller_{poller}, socket_{std::move(socket)} {}
    WatchedSocket(const WatchedSocket&) = delete; // the poller knows it by its address
    WatchedSocket& operator=(const WatchedSocket&) = delete;
    ~WatchedSocket() { close(); }

    int descriptor() const { return socket_.get(); }

    // A call has read so many bytes, or none; or it could write none. Where that was all that there is, what
    // waits does so for a change from now on. Where it was not, it goes on once others have had their turn.
    void has_read(std::size_t bytes, std::size_t asked);
    void could_not_write() { writable_ = false; }
    bool all_read() const { return !readable_; }

    // The connection has ended in both directions, or by an error. Known while nobody waits, too.
    bool is_reset() const { return reset_; }

    using Result = std::tuple<error_code>; // as asio::as_tuple has it

    // Waits; fails with operation_aborted after cancel(). One at a time.
    boost::asio::awaitable<Result> until(Event what);

    // Waits for as long as `reader` deals with all that comes. `at_once`: there is something already of which
    // the socket does not know; the reader is asked once others have had their turn. Fails as until().
    boost::asio::awaitable<Result> while_read_by(SocketReader& reader, bool at_once);

    // Ends the wait that is under way.
    void cancel();
    void close();

private:
    friend class SocketPoller;

    // A coroutine that waits.
    struct Waiting {
        Waiting() = default;
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        virtual ~Waiting() = default;
        virtual void resume(error_code result) = 0;
    };
    template <class Handler>
    struct WaitingHandler;

    error_code watch();
    boost::asio::awaitable<Result> wait(Event what, SocketReader* reader, bool at_once);
    void happened(std::uint32_t events);
    void look_later(error_code failure);
    void look();
    void end_wait(error_code result);
    bool is_ready(Event what) const { return what == Event::readable ? readable_ : writable_; }

    SocketPoller& poller_;
    UniqueFd socket_;
    bool watched_ = false;
    bool readable_ = false;
    bool writable_ = false;
    bool ended_ = false;  // the other side sends no more: no change would tell of it again
    bool reset_ = false;  // and takes no more
    bool urgent_ = false; // it sends urgent data, before which a read stops short (tcp(7))
    // The wait that is under way:
    Event awaited_ = Event::readable;
    SocketReader* reader_ = nullptr; // who is asked first
    std::unique_ptr<Waiting> waiting_;
    bool looks_later_ = false; // without a change, once others have had their turn
    bool cancelled_ = false;   // before it did
};

} // namespace ftpc::server
