#include "server/ftp/commands/fact_commands.hpp"

#include "server/ftp/session/error_reply.hpp"
#include "server/listing/formats.hpp"
#include "server/listing/listing.hpp"
#include "server/listing/look_up.hpp"
#include "shared/base/error.hpp"

#include <boost/asio.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr auto ignored = [](const auto&) {};
constexpr std::size_t most_shown = 1000; // entries in the reply to STAT

// Of a reply to SITE MLSD, which has at most 32,768 bytes (docs/protocol.md §11). The others are for the path
// in its first line (at most 2 * max_path_bytes), a space before each line, and the last line.
constexpr std::size_t piece_bytes = 23552;

// Lines with CRLF as the lines of a Reply. No name in them has control characters.
std::string reply_lines(std::string wire)
{
    std::erase(wire, '\r');
    return wire;
}

// "250 End", and how much is not shown.
std::string end_line(std::uint64_t unlisted)
{
    if (unlisted == 0) return "End";
    return "End; " + std::to_string(unlisted) + (unlisted == 1 ? " name" : " names") + " cannot be shown.";
}

// ---- STAT, on a worker

Result<Reply> status_reply(const Tree& tree, const Directory& home, const RemotePath& path)
{
    const auto entry = look_up(tree, home, path, Blocking::any);
    if (!entry) return entry.error();
    const auto listing = Listing::open(tree, home, path, ListingForm::list, FactSet{});
    if (!listing) return listing.error();
    Reply reply{entry->kind == EntryKind::directory ? 212 : 213, "Status of "};
    append_quoted(reply.text, path.text());
    reply.text += '\n';
    for (std::size_t shown = 0; shown <= most_shown; ++shown) {
        const auto line = (*listing)->next(1);
        if (!line) return line.error();
        if (line->empty()) break;
        if (shown == most_shown) {
            reply.text += "There are more; LIST shows all of them.";
            return reply;
        }
        reply.text += reply_lines(*line);
    }
    reply.text += end_line((*listing)->unlisted());
    return reply;
}

// ---- SITE MLSD, on a worker

Reply piece_reply(const RemotePath& path, ListingPiece piece)
{
    const bool last = piece.listing->at_end();
    Reply reply{last ? 250 : 150, {}};
    append_quoted(reply.text, path.text());
    reply.text.append("\n").append(reply_lines(std::move(piece.lines)));
    reply.text += last ? end_line(piece.listing->unlisted()) : "More follows.";
    return reply;
}

} // namespace

// ---- workers

// The result of `work`, or why no worker did it. No value: the connection ended meanwhile.
template <class Work>
auto FactCommands::in_worker(Work work) -> asio::awaitable<std::optional<decltype(work())>>
{
    auto waited = co_await client_.hand_over(directories_.place().waiting, std::move(work), ignored);
    if (waited.value) co_return std::move(*waited.value);
    if (waited.failure == asio::error::operation_aborted) co_return std::nullopt;
    co_return decltype(work()){waited.failure};
}

// No value: the connection ended meanwhile.
asio::awaitable<std::optional<Result<Entry>>> FactCommands::look(const RemotePath& path)
{
    const Tree& tree = client_.context->server.tree;
    const Directory home = directories_.place().home;
    auto entry = look_up(tree, home, path, Blocking::never);
    if (entry || entry.error() != Errc::would_wait) co_return entry;
    auto work = [&tree, home, path] { return look_up(tree, home, path, Blocking::any); };
    co_return co_await in_worker(std::move(work));
}

// ---- MLST, SIZE, MDTM

asio::awaitable<void> FactCommands::show(ShowFacts request)
{
    const auto entry = co_await look(request.path);
    if (!entry) co_return;
    Result<std::string> line = std::string{};
    if (*entry) {
        append_facts(*line, **entry, request.facts);
        line->append(" ").append(request.path.text());
    } else {
        line = entry->error();
    }
    client_.answer(Session::on_facts(request.path, line));
}

asio::awaitable<void> FactCommands::show(ShowSize request)
{
    const auto entry = co_await look(request.path);
    if (!entry) co_return;
    Result<std::optional<std::uint64_t>> size{std::nullopt};
    if (!*entry)
        size = entry->error();
    else if ((*entry)->kind == EntryKind::file)
        size = (*entry)->size;
    client_.answer(Session::on_size(request.path, size));
}

asio::awaitable<void> FactCommands::show(ShowModified request)
{
    const auto entry = co_await look(request.path);
    if (!entry) co_return;
    const Result<std::int64_t> modified = *entry ? Result<std::int64_t>{(*entry)->modified} : entry->error();
    client_.answer(Session::on_modified(request.path, modified));
}

// ---- STAT, SITE MLSD

asio::awaitable<void> FactCommands::show(ShowStatus request)
{
    auto work = [&tree = client_.context->server.tree, home = directories_.place().home,
                 path = request.path] { return status_reply(tree, home, path); };
    const auto reply = co_await in_worker(std::move(work));
    if (reply) client_.answer(*reply ? **reply : error_reply(reply->error(), request.path.text()));
}

// The client gets each piece before the next one is read. So a slow client holds no worker, and one listing
// holds no memory but for a piece.
asio::awaitable<void> FactCommands::list(ListTree request)
{
    auto begin = [&tree = client_.context->server.tree, home = directories_.place().home, request] {
        return read_piece(Listing::open_tree(tree, home, request.path, request.depth), piece_bytes);
    };
    auto piece = co_await in_worker(std::move(begin));
    while (piece && *piece) {
        const std::shared_ptr<Listing> listing = (*piece)->listing;
        client_.answer(piece_reply(request.path, std::move(**piece)));
        if (listing->at_end()) co_return;
        const bool taken = co_await client_.flush();
        // protection: listing-ends
        if (!taken || !client_.stage.is_serving()) co_return;
        auto go_on = [listing] { return read_piece(listing, piece_bytes); };
        piece = co_await in_worker(std::move(go_on));
    }
    if (piece) client_.answer(error_reply(piece->error(), request.path.text()));
}

} // namespace ftpc::server
