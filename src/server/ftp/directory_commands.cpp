#include "server/ftp/directory_commands.hpp"

#include "server/ftp/error_reply.hpp"
#include "server/log/log.hpp"
#include "shared/base/error.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr auto ignored = [](const auto&) {};

bool needs_worker(error_code failure)
{
    return failure == Errc::would_wait || failure == Errc::must_count;
}

// The path as far as it was made.
void log_directory_made(Reactor& reactor, const ReactorContext& context, ConnectionId id,
                        std::string_view user, const RemotePath& path, const Made& made)
{
    if (made.directories == 0 || !context.settings.log_directories) return;
    const std::string_view whole = path.text();
    reactor.log().directory_made(id, user, whole.substr(0, whole.size() - made.below), made.directories);
}

} // namespace

// ---- MKD, SITE MKDIR

// On the event loop as far as nothing has to be waited for.
template <class Request>
asio::awaitable<void> DirectoryCommands::make(Request request)
{
    place_.max_dirs = own_max_dirs_.value_or(client_.context.settings.max_dirs);
    Carried carried = carry_out(client_.context.server.tree, place_, request, arrived_, Effort::at_once,
                                &recent_, client_.sync());
    if (carried.failure && needs_worker(carried.failure)) co_await go_on_in_workers(request, carried);
    log_made(request.path, carried.made);
    // protection: cancelled
    if (carried.abandoned)
        ClientChannel::sync_unawaited(client_.context, std::move(carried.made.parents));
    else
        answer(outcome(request, carried), request.path, carried);
}

template asio::awaitable<void> DirectoryCommands::make(MakeDirectory request);
template asio::awaitable<void> DirectoryCommands::make(MakePath request);

// First on a thread that only counts, and only then on one that may wait for a file system: each goes on with
// what the one before has left.
template <class Request>
asio::awaitable<void> DirectoryCommands::go_on_in_workers(const Request& request, Carried& carried)
{
    recent_.forget();
    carried.go_on_with(co_await in_worker(request, Effort::may_count), most_parents(place_));
    if (carried.failure == Errc::would_wait)
        carried.go_on_with(co_await in_worker(request, Effort::may_wait), most_parents(place_));
}

template <class Request>
asio::awaitable<Carried> DirectoryCommands::in_worker(const Request& request, Effort effort)
{
    const auto lane = effort == Effort::may_count ? place_.counting : place_.waiting;
    auto work = [&tree = client_.context.server.tree, place = place_, request, arrived = arrived_, effort,
                 sync = client_.sync()] {
        Carried carried = carry_out(tree, place, request, arrived, effort, nullptr, sync);
        if (sync == nullptr) return carried;
        if (const error_code failure = sync_those_not_local(carried.made.parents, *sync))
            carried.made.sync_failure = failure;
        return carried;
    };
    auto late = [&reactor = client_.reactor, &context = client_.context, id = client_.id,
                 user = session_.user(), path = request.path](const Carried& carried) {
        // protection: late
        log_directory_made(reactor, context, id, user, path, carried.made);
        ClientChannel::sync_unawaited(context, carried.made.parents);
    };
    auto result = co_await client_.hand_over(lane, std::move(work), std::move(late));
    if (!result.value)
        co_return Carried{.failure = result.failure,
                          .abandoned = result.failure == asio::error::operation_aborted};
    co_return std::move(*result.value);
}

Reply DirectoryCommands::outcome(const MakeDirectory& request, const Carried& carried) const
{
    return session_.on_directory_made(request.path, carried.failure);
}

Reply DirectoryCommands::outcome(const MakePath& request, const Carried& carried) const
{
    return session_.on_path_made(request.path, carried.made.path, carried.failure);
}

// `reply`, unless there is more to be said than the session knows.
void DirectoryCommands::answer(const Reply& reply, const RemotePath& path, const Carried& carried)
{
    const Parents& parents = carried.made.parents;
    if (concerns_operator(carried.failure)) client_.log.directory_refused(path, carried.failure);
    if (carried.made.sync_failure) {
        log_event("sync-failed", {{"error", carried.made.sync_failure.message()}});
        client_.answer(ReplyBatch::not_synced(carried.made.sync_failure));
    } else if (carried.failure == Errc::over_quota) {
        client_.log.over_quota(place_.max_dirs);
        // protection: sync-refused
        client_.answer_when_synced(over_quota_reply(place_.max_dirs), parents, most_parents(place_));
    } else {
        client_.answer_when_synced(reply, parents, most_parents(place_));
    }
}

void DirectoryCommands::log_made(const RemotePath& path, const Made& made)
{
    client_.log.directories_made(made.directories);
    log_directory_made(client_.reactor, client_.context, client_.id, session_.user(), path, made);
}

// ---- CWD, CDUP

asio::awaitable<void> DirectoryCommands::change(ChangeDirectory request)
{
    const Tree& tree = client_.context.server.tree;
    auto opened = tree.open(place_.home, request.path, Blocking::at_once);
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
    const Tree& tree = client_.context.server.tree;
    auto opened = open_home(tree, home, Effort::at_once);
    if (!opened && opened.error() == Errc::would_wait) {
        auto work = [&tree, home] { return open_home(tree, home, Effort::may_wait); };
        auto waited = co_await client_.hand_over(lane_of_home(tree, home), std::move(work), ignored);
        opened = waited.value ? std::move(*waited.value) : Result<OpenedHome>{waited.failure};
    }
    // protection: home-in-doubt
    if (!client_.stage.is_serving()) co_return std::nullopt; // perhaps since it waited
    if (!opened) {
        client_.log.home_unusable(home, opened.error());
        co_return opened.error();
    }
    place_ = session_directories(*opened, client_.context.server.homes);
    co_return error_code{};
}

} // namespace ftpc::server
