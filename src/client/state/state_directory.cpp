#include "client/state/state_directory.hpp"

#include "client/terminal/safe_text.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/files/file.hpp"

#include <boost/filesystem/operations.hpp>

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace ftpc::client {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{4} << 20;

Failure trouble(const std::string& path, const error_code& error)
{
    return {ExitStatus::failed, safe_text(path) + ": " + why_not_read(error)};
}

Failure exposed(const std::string& path, const char* mode)
{
    return {ExitStatus::failed, safe_text(path) + " can be read or changed by others, so it is not used" +
                                    "\nIf nobody tampered with it: chmod " + mode + " " +
                                    shell_word(safe_text(path))};
}

std::string home_directory()
{
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
    const passwd* entry = ::getpwuid(::geteuid());
    return entry != nullptr && entry->pw_dir != nullptr && *entry->pw_dir == '/' ? entry->pw_dir : "";
}

// Fails with the system's ENOENT in `missing` set, everything else as a sentence.
Outcome<UniqueFd> open_private_directory(const std::string& path, bool& missing)
{
    UniqueFd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    missing = !directory && errno == ENOENT;
    struct stat status {};
    if (!directory || ::fstat(directory.get(), &status) != 0) return trouble(path, last_system_error());
    const bool own = status.st_uid == ::geteuid() || ::geteuid() == 0;
    if (!own || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) return exposed(path, "700");
    return directory;
}

Outcome<std::string> read_in(const UniqueFd& directory, const char* name, const std::string& path)
{
    auto contents = read_private_file(directory.get(), name, max_file_bytes);
    if (contents) return std::move(*contents);
    if (contents.error() == boost::system::errc::no_such_file_or_directory) return std::string{};
    if (contents.error() == Errc::unsafe_permissions) return exposed(path, "600");
    return trouble(path, contents.error());
}

Outcome<void> make_private_directory(const std::string& path)
{
    error_code error;
    boost::filesystem::create_directories(boost::filesystem::path{path}.parent_path(), error);
    if (error) return trouble(path, error);
    if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return trouble(path, last_system_error());
    return {};
}

} // namespace

Outcome<StateDirectory> StateDirectory::of_this_user()
{
    // The XDG base directory specification wants relative paths ignored.
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
        return StateDirectory{std::string{state} + "/ftpc"};
    const std::string home = home_directory();
    if (home.empty())
        return Failure{ExitStatus::failed,
                       "no home directory to remember servers in: set HOME or XDG_STATE_HOME"};
    return StateDirectory{home + "/.local/state/ftpc"};
}

Failure StateDirectory::in_file(const char* name, const Failure& failure) const
{
    return {failure.status, safe_text(path_of(name)) + ": " + failure.message};
}

Outcome<std::string> StateDirectory::read(const char* name) const
{
    bool missing = false;
    const auto directory = open_private_directory(path_, missing);
    if (missing) return std::string{};
    if (!directory) return directory.error();
    return read_in(*directory, name, path_of(name));
}

Outcome<void>
StateDirectory::update(const char* name,
                       const std::function<Outcome<std::string>(std::string_view)>& change) const
{
    if (auto made = make_private_directory(path_); !made) return made;
    bool missing = false;
    const auto directory = open_private_directory(path_, missing);
    if (!directory) return directory.error();
    while (::flock(directory->get(), LOCK_EX) != 0)
        if (errno != EINTR) return trouble(path_, last_system_error());

    auto before = read_in(*directory, name, path_of(name));
    if (!before) return before.error();
    auto after = change(*before);
    wipe(before->data(), before->size());
    if (!after) return after.error();
    remove_left_temporaries(directory->get(), name);
    const auto replaced = replace_file(directory->get(), name, *after, S_IRUSR | S_IWUSR);
    wipe(after->data(), after->size());
    if (!replaced) return trouble(path_of(name), replaced.error());
    return {};
}

} // namespace ftpc::client
