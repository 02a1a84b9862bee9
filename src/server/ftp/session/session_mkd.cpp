// The working directory, and new directories.
#include "server/ftp/session/session.hpp"

#include "server/ftp/session/error_reply.hpp"
#include "shared/base/error.hpp"

#include <utility>

namespace ftpc::server {

Reply Session::quoted_path_reply(int code, const RemotePath& path, std::string_view words)
{
    Reply reply{code, {}};
    append_quoted(reply.text, path.text());
    reply.text += words;
    return reply;
}

// The target of `argument`, if a directory may be made there.
Result<RemotePath> Session::new_directory(std::string_view argument) const
{
    auto path = working_directory_.resolve(argument);
    // protection: depth
    if (path && path->depth() > max_new_depth) return Errc::too_deep;
    return path;
}

Action Session::mkd(std::string_view argument)
{
    auto path = new_directory(argument);
    if (!path) return error_reply(path.error(), argument);
    const bool in_working_directory = argument == path->name();
    return MakeDirectory{std::move(*path), in_working_directory};
}

Reply Session::on_directory_made(const RemotePath& path, error_code failure) const
{
    if (failure) return error_reply(failure, path.text());
    return quoted_path_reply(257, path, " created.");
}

Action Session::site_mkdir(std::string_view argument)
{
    auto path = new_directory(argument);
    if (!path) return error_reply(path.error(), argument);
    return MakePath{std::move(*path)};
}

Reply Session::on_path_made(const RemotePath& path, bool made, error_code failure) const
{
    if (failure) return error_reply(failure, path.text());
    return made ? quoted_path_reply(257, path, " created.") : quoted_path_reply(250, path, " is there.");
}

Action Session::cwd(std::string_view argument)
{
    auto path = working_directory_.resolve(argument);
    if (!path) return error_reply(path.error(), argument);
    return ChangeDirectory{std::move(*path)};
}

Action Session::cdup(std::string_view)
{
    return ChangeDirectory{working_directory_.parent()};
}

Reply Session::on_directory_changed(const RemotePath& path, error_code failure)
{
    if (failure) return error_reply(failure, path.text());
    working_directory_ = path;
    return quoted_path_reply(250, path, " is the working directory.");
}

Action Session::pwd(std::string_view)
{
    return quoted_path_reply(257, working_directory_, " is the working directory.");
}

} // namespace ftpc::server
