// The client of a connection, as its commands see it: it gets replies, and all waits of its commands end with
// the connection.
#pragma once

#include "server/event_loop/loop_promise.hpp"
#include "server/ftp/channel/connection_log.hpp"
#include "server/ftp/channel/connection_stage.hpp"
#include "server/ftp/channel/reply_batch.hpp"
#include "server/ftp/channel/server_context.hpp"
#include "server/ftp/session/actions.hpp"
#include "server/transport/deadlines.hpp"
#include "server/transport/reactors.hpp"
#include "server/transport/tls/stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <utility>

namespace ftpc::server {

class ClientChannel {
public:
    using Clock = std::chrono::steady_clock;

    ClientChannel(Reactor& reactor, std::span<ReactorContext> contexts, UniqueFd socket,
                  const ipc::PeerAddress& peer, ConnectionId id, const Session& session);

    // ---- replies, which gather until they are sent

    void answer(const Reply& reply) { replies.add(reply); }

    // After that one the connection closes.
    void answer_last(const LastReply& last);

    // `reply` holds once `parents` are on disk, if directories are acknowledged only then. `most`: as of
    // Parents::add.
    void answer_when_synced(const Reply& reply, const Parents& parents, std::size_t most);

    // Sends the gathered replies, after the sync that they depend on, and waits for a client that takes
    // nothing. False when it cannot be reached any more.
    boost::asio::awaitable<bool> flush();

    // The same as far as nothing has to be waited for. No reply says that a directory is on disk.
    void flush_without_waiting();

    // ---- waiting

    // Waits for a result from another thread; no value if the connection ends first.
    template <class Value>
    boost::asio::awaitable<std::optional<Value>> wait_for(Deadlines::For what, LoopPromise<Value>& promise)
    {
        if (!stage.may_wait()) {
            promise.cancel();
            co_return std::nullopt;
        }
        if (before_wait) before_wait();
        deadlines.wait(what, Clock::now());
        leave_wait_ = [&promise] { promise.cancel(); };
        auto value = co_await promise.wait();
        leave_wait_ = nullptr;
        deadlines.wait(Deadlines::For::nothing, Clock::now());
        co_return value;
    }

    // The result of a worker; no value: the job was not taken, or the connection did not wait for it.
    template <class Value>
    struct HandedOver {
        error_code failure;
        std::optional<Value> value;
    };

    // Runs `work` on a thread that may wait. The connection may end before it, so `work` must own all it
    // needs. `late` gets the result if nobody has waited.
    template <class Work, class Late>
    auto hand_over(Workers::Lane lane, Work work, Late late)
        -> boost::asio::awaitable<HandedOver<decltype(work())>>
    {
        if (!stage.may_wait())
            co_return HandedOver<decltype(work())>{boost::asio::error::operation_aborted, std::nullopt};
        LoopPromise<decltype(work())> promise{reactor->loop()};
        const bool taken = context->server.workers.submit(
            lane, [keeper = promise.keeper(), work = std::move(work), late = std::move(late)]() mutable {
                keeper.keep(work(), std::move(late));
            });
        if (!taken) co_return HandedOver<decltype(work())>{Errc::too_many_waiting, std::nullopt};
        auto value = co_await wait_for(Deadlines::For::file_system, promise);
        const error_code failure = value ? error_code{} : boost::asio::error::operation_aborted;
        co_return HandedOver<decltype(work())>{failure, std::move(value)};
    }

    // For so long, or until the connection ends.
    boost::asio::awaitable<void> pause(Clock::duration time);

    // Gives the other connections of the reactor their turn.
    boost::asio::awaitable<void> yield();

    // Ends the wait that is under way.
    void wake();

    // Nothing is on its way to the client that a last reply would break into.
    bool may_be_told() const;

    // It waits for no one else, only for its own time to come.
    bool pauses() const { return pauses_; }

    // ---- syncs

    // Null if directories are acknowledged before they are on disk.
    TreeSync* sync() const;

    // The new directories are put on disk although no client is told: other sessions go on to work in them.
    // `waiting`: as waiting_lane.
    static void sync_unawaited(const ReactorContext& context, Workers::Lane waiting, Parents parents);
    void sync_unawaited(Parents parents) const { sync_unawaited(*context, waiting_lane, std::move(parents)); }

    // As of ServedConnection.
    void leave();
    void arrive(Reactor& new_reactor);

    Reactor* reactor;
    ReactorContext* context; // of that reactor
    const ConnectionId id;
    const ipc::PeerAddress peer;
    Stream stream;
    ReplyBatch replies;
    ConnectionStage stage;
    Deadlines deadlines;
    ConnectionLog log;

    // Of the session's home: a sync of directories that are not local waits in it.
    Workers::Lane waiting_lane;

    // Called before each wait that may be long: lookups of one turn must not outlive it.
    std::function<void()> before_wait;

private:
    boost::asio::awaitable<error_code> synced();

    std::function<void()> leave_wait_; // ends the wait for another thread's result
    bool pauses_ = false;
    std::span<ReactorContext> contexts_;
};

} // namespace ftpc::server
