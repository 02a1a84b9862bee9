#include "client/commands/mkdir_conversation.hpp"

#include "client/commands/path_replies.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"

#include <utility>

namespace ftpc::client {

namespace {

// A server that names another directory has not done as it was asked. Its name is not printed as if it had
// (compare CVE-2019-6111).
bool names_another(const Reply& reply, std::string_view absolute)
{
    const auto named = quoted_text(reply.text);
    return named && *named != absolute;
}

} // namespace

Result<std::string> MkdirConversation::add(std::string_view path)
{
    const auto resolved = RemotePath{}.resolve(path);
    if (!resolved) return resolved.error();
    if (!answer_fits(resolved->text())) return Errc::name_too_long;
    paths_.emplace_back(path);
    unanswered_bytes_ += path.size();
    return command(*resolved);
}

std::string MkdirConversation::command(const RemotePath& resolved) const
{
    return (with_parents_ ? "SITE MKDIR " : "MKD ") + std::string{resolved.text()};
}

std::vector<std::string> MkdirConversation::commands_again() const
{
    std::vector<std::string> commands;
    for (const std::string& path : paths_)
        commands.push_back(command(*RemotePath{}.resolve(path)));
    return commands;
}

std::string MkdirConversation::take_oldest()
{
    std::string path = std::move(paths_.front());
    paths_.pop_front();
    unanswered_bytes_ -= path.size();
    return path;
}

PathOutcome MkdirConversation::on_reply(const Reply& reply)
{
    std::string path = take_oldest();
    ++answered_;
    const std::string absolute{RemotePath{}.resolve(path)->text()};
    // protection: named-another
    if (reply.code == 257 && names_another(reply, absolute))
        return {PathOutcome::State::failed, std::move(path),
                "the server says that it made another directory: " + printable(reply.text), reply.code};
    if (reply.code == 257) return {PathOutcome::State::made, absolute, "", reply.code};
    if (reply.code == 250 && with_parents_) return {PathOutcome::State::existed, absolute, "", reply.code};
    if (reply.code == 521) return {PathOutcome::State::failed, std::move(path), "already exists", reply.code};
    return {PathOutcome::State::failed, std::move(path), reason_of(reply), reply.code};
}

std::optional<PathOutcome> MkdirConversation::next_unknown()
{
    if (paths_.empty()) return std::nullopt;
    return PathOutcome{PathOutcome::State::unknown, take_oldest(), "no answer before the connection ended",
                       0};
}

} // namespace ftpc::client
