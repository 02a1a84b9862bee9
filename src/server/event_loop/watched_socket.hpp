// Waiting for the socket of one connection, on its loop. It is registered once and tells of changes only
// (edge-triggered, epoll(7)); Asio's own waits would cost an epoll_ctl(2) each.
#pragma once

#include "server/event_loop/event_loop.hpp"
#include "server/event_loop/waiter.hpp"
#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ftpc::server {

// A connected socket that does not block. Used on the thread of its loop, but for making it.
class WatchedSocket {
public:
    enum class Event { readable, writable };
    using Result = Waiter::Result;

    WatchedSocket(EventLoop& loop, UniqueFd socket) : loop_{&loop}, socket_{std::move(socket)} {}
    WatchedSocket(const WatchedSocket&) = delete; // the loop knows it by its address
    WatchedSocket& operator=(const WatchedSocket&) = delete;
    ~WatchedSocket() { close(); }

    int descriptor() const { return socket_.get(); }

    // A call has read so many bytes, or none; or it could write none. If that was all that there is, the next
    // wait is for a change. If not, it ends once others have had their turn.
    void has_read(std::size_t bytes, std::size_t asked);
    void could_not_write() { writable_ = false; }

    // The connection has ended in both directions, or by an error. Known while nobody waits, too.
    bool is_reset() const { return reset_; }

    // Waits; fails with operation_aborted after cancel(). One wait at a time. `at_once`: there is something
    // already of which the socket does not know; the wait ends once others have had their turn.
    boost::asio::awaitable<Result> until(Event what, bool at_once = false);

    // Ends the wait that is under way.
    void cancel();
    void close();

    // While nobody waits: goes on at another loop.
    void leave_loop();
    void arrive(EventLoop& loop) { loop_ = &loop; }

private:
    friend class EventLoop;

    error_code watch();
    void happened(std::uint32_t events);
    void end_wait_later(error_code result);
    bool is_ready(Event what) const { return what == Event::readable ? readable_ : writable_; }

    EventLoop* loop_;
    UniqueFd socket_;
    bool watched_ = false;
    bool readable_ = false;
    bool writable_ = false;
    bool ended_ = false;  // the other side sends no more: no change would tell of it again
    bool reset_ = false;  // and takes no more
    bool urgent_ = false; // it sends urgent data, before which a read stops short (tcp(7))
    // The wait that is under way:
    Waiter waiter_;
    Event awaited_ = Event::readable;
    bool ends_later_ = false; // without a change, once others have had their turn
    bool cancelled_ = false;  // before it did
};

} // namespace ftpc::server
