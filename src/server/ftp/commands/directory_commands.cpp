#include "server/ftp/commands/directory_commands.hpp"

#include "server/ftp/session/error_reply.hpp"
#include "server/log/log.hpp"
#include "shared/base/error.hpp"

#include <boost/asio.hpp>

#include <array>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr auto ignored = [](const auto&) {};
constexpr std::array in_workers{Blocking::to_count, Blocking::any}; // in this order

bool needs_worker(error_code failure)
{
    return failure == Errc::would_wait || failure == Errc::must_count;
}

// The path as far as it was made.
void log_directory_made(Reactor& reactor, const ReactorContext& context, ConnectionId id,
                        std::string_view user, const RemotePath& path, const MkdirResult& result)
{
    if (result.directories == 0 || !context.settings.log_directories) return;
    const std::string_view whole = path.text();
    reactor.log().directory_made(id, user, whole.substr(0, whole.size() - result.below), result.directories);
}

} // namespace

// ---- MKD, SITE MKDIR

// On the event loop as far as nothing has to be waited for.
template <class Request>
asio::awaitable<void> DirectoryCommands::make(Request request)
{
    place_.max_dirs = own_max_dirs_.value_or(client_.context->settings.max_dirs);
    MkdirResult result = make_directories(client_.context->server.tree, place_, request, arrived_,
                                          Blocking::never, &recent_, client_.sync());
    const bool finished = !needs_worker(result.failure) || co_await finish_in_workers(request, result);
    log_made(request.path, result);
    // protection: cancelled
    if (finished)
        answer(reply_to(request, result), request.path, result);
    else
        client_.sync_unawaited(std::move(result.parents));
}

template asio::awaitable<void> DirectoryCommands::make(MakeDirectory request);
template asio::awaitable<void> DirectoryCommands::make(MakePath request);

// First on a thread that only counts, and only then on one that may wait for a file system. Each continues at
// the failure of the one before. False: the connection ended meanwhile.
template <class Request>
asio::awaitable<bool> DirectoryCommands::finish_in_workers(const Request& request, MkdirResult& result)
{
    recent_.forget();
    for (const Blocking blocking : in_workers) {
        const auto next = co_await in_worker(request, blocking);
        if (!next) co_return false;
        result.add(*next, most_parents(place_));
        if (result.failure != Errc::would_wait) break;
    }
    co_return true;
}

// No value: the connection ended before the thread was ready.
template <class Request>
asio::awaitable<std::optional<MkdirResult>> DirectoryCommands::in_worker(const Request& request,
                                                                         Blocking blocking)
{
    const auto lane = blocking == Blocking::to_count ? place_.counting : place_.waiting;
    auto work = [&tree = client_.context->server.tree, place = place_, request, arrived = arrived_, blocking,
                 sync = client_.sync()] {
        return make_directories(tree, place, request, arrived, blocking, nullptr, sync);
    };
    auto late = [reactor = client_.reactor, context = client_.context, id = client_.id,
                 waiting = place_.waiting, user = session_.user(),
                 path = request.path](const MkdirResult& result) {
        // protection: late
        log_directory_made(*reactor, *context, id, user, path, result);
        ClientChannel::sync_unawaited(*context, waiting, result.parents);
    };
    auto waited = co_await client_.hand_over(lane, std::move(work), std::move(late));
    if (waited.value) co_return std::move(*waited.value);
    if (waited.failure == asio::error::operation_aborted) co_return std::nullopt;
    co_return MkdirResult{.failure = waited.failure};
}

Reply DirectoryCommands::reply_to(const MakeDirectory& request, const MkdirResult& result) const
{
    return session_.on_directory_made(request.path, result.failure);
}

Reply DirectoryCommands::reply_to(const MakePath& request, const MkdirResult& result) const
{
    return session_.on_path_made(request.path, result.path_made, result.failure);
}

// `reply`, unless there is more to be said than the session knows.
void DirectoryCommands::answer(const Reply& reply, const RemotePath& path, const MkdirResult& result)
{
    const Parents& parents = result.parents;
    if (concerns_operator(result.failure)) client_.log.directory_refused(path, result.failure);
    if (result.sync_failure) {
        log_event("sync-failed", {{"error", result.sync_failure.message()}});
        client_.answer(ReplyBatch::not_synced(result.sync_failure));
    } else if (result.failure == Errc::over_quota) {
        client_.log.over_quota(place_.max_dirs);
        // protection: sync-refused
        client_.answer_when_synced(over_quota_reply(place_.max_dirs), parents, most_parents(place_));
    } else {
        client_.answer_when_synced(reply, parents, most_parents(place_));
    }
}

void DirectoryCommands::log_made(const RemotePath& path, const MkdirResult& result)
{
    client_.log.directories_made(result.directories);
    log_directory_made(*client_.reactor, *client_.context, client_.id, session_.user(), path, result);
}

// ---- CWD, CDUP

asio::awaitable<void> DirectoryCommands::change(ChangeDirectory request)
{
    const Tree& tree = client_.context->server.tree;
    auto opened = tree.open(place_.home, request.path, Blocking::never);
    if (!opened && opened.error() == Errc::would_wait) {
        auto work = [&tree, home = place_.home, path = request.path] { return tree.open(home, path); };
        auto waited = co_await client_.hand_over(place_.waiting, std::move(work), ignored);
        if (!waited.value && !client_.stage.is_serving()) co_return;
        opened = waited.value ? std::move(*waited.value) : Result<Directory>{waited.failure};
    }
    if (opened) place_.working_directory = *opened;
    client_.answer(session_.on_directory_changed(request.path, opened ? error_code{} : opened.error()));
}

// ---- login

asio::awaitable<std::optional<error_code>> DirectoryCommands::enter_home(std::string home)
{
    const Tree& tree = client_.context->server.tree;
    auto opened = open_home(tree, home, Blocking::never);
    if (!opened && opened.error() == Errc::would_wait) {
        auto work = [&tree, home] { return open_home(tree, home, Blocking::any); };
        auto waited = co_await client_.hand_over(lane_of_home(tree, home), std::move(work), ignored);
        opened = waited.value ? std::move(*waited.value) : Result<OpenedHome>{waited.failure};
    }
    // protection: home-in-doubt
    if (!client_.stage.is_serving()) co_return std::nullopt; // perhaps since it waited
    if (!opened) {
        client_.log.home_unusable(home, opened.error());
        co_return opened.error();
    }
    place_ = client_directories(*opened, client_.context->server.homes);
    client_.waiting_lane = place_.waiting;
    co_return error_code{};
}

} // namespace ftpc::server
