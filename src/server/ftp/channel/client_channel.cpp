#include "server/ftp/channel/client_channel.hpp"

#include "server/log/log.hpp"

#include <boost/asio.hpp>

#include <algorithm>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

bool is_local(const Parents::Entry& parent)
{
    return parent.directory->local;
}

// Calls `done` once the entries of all `parents` are on disk, or with the first failure. The commit queue,
// which all sessions share, must not wait for those that are not local: a thread of `waiting` syncs these
// afterwards.
void put_on_disk(const ServerContext& server, Workers::Lane waiting, Parents parents, CommitQueue::Done done)
{
    // protection: syncs-apart
    Parents others = parents.take_if([](const Parents::Entry& parent) { return !is_local(parent); });
    if (others.empty()) return server.commits.commit(std::move(parents), std::move(done));
    auto sync_others = [server, waiting, others = std::move(others),
                        done = std::move(done)](error_code local) {
        const bool taken = server.workers.submit(waiting, [&sync = server.sync, others, local, done] {
            const error_code failure = sync.sync(others, Parents::most_of_session);
            done(local ? local : failure);
        });
        if (taken) return;
        server.sync.doubt(others);
        done(local ? local : error_code{Errc::too_many_waiting});
    };
    if (parents.empty()) return sync_others({});
    server.commits.commit(std::move(parents), std::move(sync_others));
}

} // namespace

ClientChannel::ClientChannel(Reactor& its_reactor, std::span<ReactorContext> contexts, UniqueFd socket,
                             const ipc::PeerAddress& its_peer, ConnectionId its_id, const Session& session)
    : reactor{&its_reactor}, context{&contexts[its_reactor.index()]}, id{its_id}, peer{its_peer},
      stream{its_reactor.loop(), std::move(socket)}, deadlines{Clock::now()},
      log{its_reactor.log(), session, id, peer}, contexts_{contexts}
{}

// ---- replies

void ClientChannel::answer_last(const LastReply& last)
{
    if (last.before) replies.add(*last.before);
    if (!stage.last_reply()) replies.add(last.reply); // else that is the last word
    stage.close(last.reply.text);
}

void ClientChannel::answer_when_synced(const Reply& reply, const Parents& parents, std::size_t most)
{
    if (context->settings.durability == Durability::group && !parents.empty())
        replies.add_when_synced(reply, parents, most);
    else
        replies.add(reply);
}

asio::awaitable<bool> ClientChannel::flush()
{
    if (replies.empty() && !stream.has_unsent()) co_return true;
    if (before_wait) before_wait();
    error_code sync_result;
    if (replies.depends_on_sync()) sync_result = co_await synced();
    if (!stage.may_wait()) co_return false; // flush_without_waiting() says the rest
    if (sync_result) log.sync_failed(sync_result);
    const std::string text = replies.take(sync_result);
    deadlines.wait(Deadlines::For::taking, Clock::now());
    const error_code failure = co_await stream.write_all(text);
    deadlines.wait(Deadlines::For::nothing, Clock::now());
    if (failure) stage.output_failed(failure.message());
    co_return !failure;
}

void ClientChannel::flush_without_waiting()
{
    sync_unawaited(replies.take_parents());
    if (!stage.may_send() || replies.empty()) return;
    // protection: unsynced-replies
    const error_code not_synced{ECANCELED, boost::system::system_category()};
    stream.write_now(replies.take(not_synced));
}

asio::awaitable<error_code> ClientChannel::synced()
{
    Parents parents = replies.take_parents();
    // protection: sync
    if (parents.empty()) co_return error_code{};
    const bool all_local = std::all_of(parents.begin(), parents.end(), is_local);
    LoopPromise<error_code> on_disk{reactor->loop()};
    put_on_disk(
        context->server, waiting_lane, std::move(parents),
        [keeper = on_disk.keeper()](error_code result) mutable { keeper.keep(result, [](error_code) {}); });
    const auto result =
        co_await wait_for(all_local ? Deadlines::For::nothing : Deadlines::For::file_system, on_disk);
    co_return result.value_or(asio::error::operation_aborted);
}

TreeSync* ClientChannel::sync() const
{
    return context->settings.durability == Durability::group ? &context->server.sync : nullptr;
}

void ClientChannel::sync_unawaited(const ReactorContext& context, Workers::Lane waiting, Parents parents)
{
    if (parents.empty() || context.settings.durability != Durability::group) return;
    put_on_disk(context.server, waiting, std::move(parents), [](error_code) {});
}

// ---- the reactor

void ClientChannel::leave()
{
    reactor->log().flush(); // before the lines that the next one writes
    stream.leave_loop();
}

void ClientChannel::arrive(Reactor& new_reactor)
{
    reactor = &new_reactor;
    context = &contexts_[new_reactor.index()];
    stream.arrive(new_reactor.loop());
    log.write_to(new_reactor.log());
}

// ---- waiting

asio::awaitable<void> ClientChannel::pause(Clock::duration time)
{
    LoopPromise<bool> over{reactor->loop()};
    reactor->loop().call_at(Clock::now() + time,
                            [keeper = over.keeper()]() mutable { keeper.keep(true, [](bool) {}); });
    pauses_ = true;
    co_await wait_for(Deadlines::For::nothing, over);
    pauses_ = false;
}

asio::awaitable<void> ClientChannel::yield()
{
    co_await asio::post(reactor->loop().io(), asio::use_awaitable);
}

void ClientChannel::wake()
{
    stream.cancel();
    // protection: waits-end
    if (leave_wait_) leave_wait_();
}

bool ClientChannel::may_be_told() const
{
    return deadlines.waits(Deadlines::For::command) || deadlines.waits(Deadlines::For::auth) ||
           deadlines.waits(Deadlines::For::transfer);
}

} // namespace ftpc::server
