#include "client/commands/listing_conversation.hpp"

#include "client/commands/path_replies.hpp"
#include "client/connection/login_replies.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace ftpc::client {

namespace {

// One component of a path, as a directory may hold it.
bool is_entry_name(std::string_view name)
{
    return !name.empty() && name != "." && name != ".." && name.size() <= max_name_bytes && is_utf8(name) &&
           !has_control_character(name);
}

// The server has no such command: unknown, not implemented, or no such word after SITE.
bool is_unknown_command(int code)
{
    return code == 500 || code == 502 || code == 504;
}

} // namespace

std::string ListingConversation::command() const
{
    return "SITE MLSD " + std::to_string(depth_) + " " + std::string{path_.text()};
}

Outcome<ListingConversation::State> ListingConversation::on_reply(const Reply& reply)
{
    if (reply.code == 150 || reply.code == 250) return take_piece(reply);
    if (is_unknown_command(reply.code))
        return Failure{ExitStatus::unreachable, server_ +
                                                    " cannot list directories for ftpc (SITE MLSD); its "
                                                    "ftpcd may be older than this ftpc: " +
                                                    shown(reply)};
    if (reply.code < 400) return broken(shown(reply));
    reason_ = reason_of(reply);
    code_ = reply.code;
    return State::refused;
}

// The first line names the path and the last one says whether more follows; entries stand between.
Outcome<ListingConversation::State> ListingConversation::take_piece(const Reply& reply)
{
    const std::string_view text = reply.text;
    const auto first_end = std::min(text.find('\n'), text.size());
    const auto last_begin = text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
    std::size_t at = first_end + 1;
    // protection: empty-pieces
    if (reply.code == 150 && at >= last_begin) return broken("a part of a listing with nothing in it");
    while (at < last_begin) {
        const auto end = text.find('\n', at);
        if (auto taken = take_line(text.substr(at, end - at)); !taken) return taken.error();
        at = end + 1;
    }
    if (reply.code == 150) return State::more;
    if (!has_top_) return broken("a listing with nothing in it");
    return finish(text.substr(last_begin));
}

ListingConversation::State ListingConversation::finish(std::string_view last_line)
{
    constexpr std::string_view end = "End; ";
    if (last_line.ends_with('.')) last_line.remove_suffix(1);
    if (last_line.starts_with(end)) left_out_ = printable(last_line.substr(end.size()));
    return State::complete;
}

Outcome<void> ListingConversation::take_line(std::string_view line)
{
    const std::size_t bytes = sizeof(Listed) + line.size();
    // protection: endless-listing
    if (bytes > room_)
        return Failure{ExitStatus::failed,
                       "the listing of " + printable(path_.text()) +
                           " is too large to be sorted (more than a million entries or so)" +
                           "\nAsk for a directory beneath it, or for fewer levels, or use "
                           "another FTP client"};
    room_ -= bytes;
    const auto parsed = parse_fact_line(line);
    if (!parsed) return broken("a listing with the line '" + printable(line.substr(0, 200)) + "'");
    if (!(has_top_ ? put_entry(*parsed) : put_top(*parsed)))
        return broken("it lists '" + printable(parsed->name.substr(0, 200)) +
                      "', which was not asked for, in " + printable(path_.text()));
    return {};
}

bool ListingConversation::put_top(const FactLine& line)
{
    // protection: listed-another
    if (line.name != path_.text()) return false;
    has_top_ = true;
    top_ = {std::string{path_.name()}, line.facts, {}};
    open("", top_);
    return true;
}

// Each entry lies in the directory before it, or in one that this one lies in. So a path that leads elsewhere
// finds no place.
bool ListingConversation::put_entry(const FactLine& line)
{
    const auto slash = line.name.rfind('/');
    const bool in_top = slash == std::string_view::npos;
    const auto parent = in_top ? std::string_view{} : line.name.substr(0, slash);
    const auto name = in_top ? line.name : line.name.substr(slash + 1);
    // protection: listed-names
    if (!is_entry_name(name) || slash == 0) return false;
    while (!open_.empty() && open_.back().path != parent)
        open_.pop_back();
    if (open_.empty()) return false;
    auto& children = open_.back().directory->children;
    open(line.name, children.emplace_back(Listed{std::string{name}, line.facts, {}}));
    return true;
}

void ListingConversation::open(std::string_view path, Listed& directory)
{
    if (directory.is_directory() && open_.size() < depth_) open_.push_back({std::string{path}, &directory});
}

Failure ListingConversation::broken(const std::string& what) const
{
    return {ExitStatus::unreachable, server_ + " does not keep to the protocol: " + what};
}

} // namespace ftpc::client
