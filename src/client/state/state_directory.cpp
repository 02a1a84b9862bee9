#include "client/state/state_directory.hpp"

#include "client/terminal/safe_text.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/files/file.hpp"

#include <boost/filesystem/path.hpp>

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

namespace ftpc::client {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{4} << 20;

constexpr std::size_t bytes_to_have_room_for = 4096; // many lines

namespace fs = boost::filesystem;

// With whose rights this thread reads and makes files. A user who does not exist is asked for, which changes
// nothing (setfsuid(2)).
uid_t user_of_files()
{
    return static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1)));
}

// The first of `path` and the directories above it that is there; links are followed.
std::string nearest_that_exists(fs::path path, struct stat& status)
{
    while (::stat(path.c_str(), &status) != 0 && path.has_relative_path())
        path = path.parent_path();
    return path.string();
}

std::string account_name(uid_t user)
{
    const passwd* entry = ::getpwuid(user);
    return entry != nullptr ? safe_text(entry->pw_name) : "the user " + std::to_string(user);
}

// While this lives, root reads and makes files as the owner of the directory that is there.
class OwnerOfFiles {
public:
    explicit OwnerOfFiles(const std::string& path)
    {
        struct stat status {};
        if (::geteuid() != 0) return;
        nearest_that_exists(path, status);
        if (status.st_uid == 0) return;
        // protection: owner-of-state
        act_as(status.st_uid, status.st_gid);
        owner_ = status.st_uid;
    }
    OwnerOfFiles(const OwnerOfFiles&) = delete;
    OwnerOfFiles& operator=(const OwnerOfFiles&) = delete;
    ~OwnerOfFiles() { act_as(::geteuid(), ::getegid()); }

    // Fails if this root may not act as another user, which a container can withhold.
    Outcome<void> check(const std::string& path) const
    {
        if (!owner_ || user_of_files() == *owner_) return {};
        return Failure{ExitStatus::failed, safe_text(path) + ": belongs to " + account_name(*owner_) +
                                               ", and this root may not act as another user" +
                                               "\nRun ftpc as " + account_name(*owner_) +
                                               ", or set XDG_STATE_HOME to a directory of yours"};
    }

private:
    static void act_as(uid_t user, gid_t group)
    {
        ::setfsgid(group);
        ::setfsuid(user);
    }

    std::optional<uid_t> owner_;
};

// "/home/bob belongs to bob, not to alice", with what may be done about that. `wanted` is the file or
// directory that cannot be used because of it.
Failure belongs_to_another(const std::string& path, uid_t owner, const std::string& wanted)
{
    std::string message =
        safe_text(path) + " belongs to " + account_name(owner) + ", not to " + account_name(user_of_files());
    if (path != wanted) message += ", so " + safe_text(wanted) + " cannot be used";
    struct stat above {};
    const bool in_own_directory =
        ::stat(fs::path{path}.parent_path().c_str(), &above) == 0 && above.st_uid == user_of_files();
    // Root's files in a directory of the user's own are meant for that user.
    if (owner == 0 && in_own_directory)
        message += "\nA command under sudo may have made it. Give it back with: sudo chown -R " +
                   std::to_string(user_of_files()) + " " + shell_word(safe_text(path));
    else
        message += "\nSet HOME to your home directory, or XDG_STATE_HOME to a directory of yours";
    return {ExitStatus::failed, std::move(message)};
}

// A file or directory that others can read or change.
Failure exposed(const std::string& path, const char* mode)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && status.st_uid != user_of_files())
        return belongs_to_another(path, status.st_uid, path);
    return {ExitStatus::failed, safe_text(path) + " can be read or changed by others, so it is not used" +
                                    "\nIf nobody tampered with it: chmod " + mode + " " +
                                    shell_word(safe_text(path))};
}

// Names the obstacle, which is the path itself or something above it, and the reason.
std::string obstacle(const std::string& path, const error_code& error)
{
    namespace errc = boost::system::errc;
    struct stat status {};
    const std::string nearest = nearest_that_exists(path, status);
    if (error == errc::not_a_directory && !S_ISDIR(status.st_mode))
        return safe_text(nearest) + ": is not a directory";
    fs::path last{path};
    if (error == errc::no_such_file_or_directory || error == errc::file_exists)
        for (; last.has_relative_path(); last = last.parent_path())
            if (::lstat(last.c_str(), &status) == 0 && S_ISLNK(status.st_mode) &&
                ::stat(last.c_str(), &status) != 0)
                return safe_text(last.string()) + ": is a symbolic link that leads nowhere";
    return safe_text(path) + ": " + why_not_read(error);
}

// `path`, a file or directory, cannot be used.
Failure trouble(const std::string& path, const error_code& error)
{
    struct stat status {};
    const std::string nearest = nearest_that_exists(path, status);
    if (error == boost::system::errc::permission_denied && status.st_uid != user_of_files())
        return belongs_to_another(nearest, status.st_uid, path);
    return {ExitStatus::failed, obstacle(path, error) +
                                    "\nWhat ftpc remembers is there; for another place, set XDG_STATE_HOME "
                                    "to a directory of yours"};
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
    if (status.st_uid != user_of_files() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return exposed(path, "700");
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

// Makes the missing directories of a path, for their user alone with any umask.
error_code make_private_directories(const fs::path& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return {};
    if (errno != ENOENT || !path.has_relative_path()) return last_system_error();
    if (const error_code failure = make_private_directories(path.parent_path())) return failure;
    const mode_t before =
        ::umask(S_IRWXG | S_IRWXO); // so that the mode holds, and with no chmod(2) of a name
    const int made = ::mkdir(path.c_str(), S_IRWXU);
    const error_code failure = made == 0 ? error_code{} : last_system_error();
    ::umask(before);
    // Another ftpc may have been faster.
    return ::stat(path.c_str(), &status) == 0 ? error_code{} : failure;
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
    const OwnerOfFiles owner{path_};
    if (auto acts = owner.check(path_); !acts) return acts.error();
    bool missing = false;
    const auto directory = open_private_directory(path_, missing);
    if (missing) return std::string{};
    if (!directory) return directory.error();
    return read_in(*directory, name, path_of(name));
}

Outcome<void> StateDirectory::with_lock(const char* name, const Work& work) const
{
    const OwnerOfFiles owner{path_};
    if (auto acts = owner.check(path_); !acts) return acts;
    if (const error_code failure = make_private_directories(path_)) return trouble(path_, failure);
    bool missing = false;
    const auto directory = open_private_directory(path_, missing);
    if (!directory) return directory.error();
    while (::flock(directory->get(), LOCK_EX) != 0)
        if (errno != EINTR) return trouble(path_, last_system_error());

    auto contents = read_in(*directory, name, path_of(name));
    if (!contents) return contents.error();
    remove_left_temporaries(directory->get(), name);
    auto done = work(directory->get(), *contents);
    wipe(contents->data(), contents->size());
    return done;
}

Outcome<void> StateDirectory::prepare(const char* name) const
{
    return with_lock(name, [&](int directory, const std::string& contents) -> Outcome<void> {
        const auto written = contents.empty() ? try_replace_file(directory, name, bytes_to_have_room_for)
                                              : replace_file(directory, name, contents, S_IRUSR | S_IWUSR);
        if (!written) return trouble(path_of(name), written.error());
        return {};
    });
}

Outcome<void>
StateDirectory::update(const char* name,
                       const std::function<Outcome<std::string>(std::string_view)>& change) const
{
    return with_lock(name, [&](int directory, const std::string& before) -> Outcome<void> {
        auto after = change(before);
        if (!after) return after.error();
        const auto replaced = replace_file(directory, name, *after, S_IRUSR | S_IWUSR);
        wipe(after->data(), after->size());
        if (!replaced) return trouble(path_of(name), replaced.error());
        return {};
    });
}

} // namespace ftpc::client
