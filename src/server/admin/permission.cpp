#include "server/admin/permission.hpp"

#include "server/storage/beneath.hpp"
#include "server/supervisor/child_process.hpp"
#include "shared/base/text.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/files/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace ftpc::server {

namespace {

// ---- the questions, in a process of the user

std::optional<Refusal> last_refusal(std::string at, int needed, bool itself)
{
    return Refusal{last_system_error(), std::move(at), needed, itself};
}

// As net opens a home.
Result<UniqueFd> open_as_net(int base, const std::string& path)
{
    return openat2_works(base) ? open_beneath(base, path, O_PATH) : open_by_walking(base, path, O_PATH);
}

// To be written to, and to be read if a new entry cannot be synced otherwise.
int needed_to_make_directories(int directory)
{
    return W_OK | X_OK | (syncs_as_a_whole(directory) ? 0 : R_OK);
}

// From `base` down each directory must let itself be searched. A lookup of "." in it is such a search.
std::optional<Refusal> ask_of_directory(const Place& place)
{
    for (std::size_t end = 0; end != std::string::npos;) {
        const std::string at = end == 0 ? "." : place.path.substr(0, end);
        const bool itself = at == place.path;
        const auto directory = open_as_net(place.base, at);
        // Of what is below, it could be something behind a link.
        if (!directory) return Refusal{directory.error(), at, end == 0 ? X_OK : 0, itself};
        const int needed = itself ? needed_to_make_directories(directory->get()) : X_OK;
        // protection: asks-of-directories
        if (::faccessat(directory->get(), ".", needed, 0) != 0) return last_refusal(at, needed, itself);
        if (itself) break;
        end = end == 0 ? std::min(place.path.find('/'), place.path.size())
                       : std::min(place.path.find('/', end + 1), place.path.size());
    }
    return std::nullopt;
}

bool is_regular_file(int base, const std::string& name)
{
    struct stat status {};
    return ::fstatat(base, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

// rmdir removes no file. The kernel answers ENOTDIR only if the user could take the name away. For that the
// attributes of the file and of its directory count, and whether the directory is sticky.
bool may_lose_its_name(int base, const std::string& name)
{
    return ::unlinkat(base, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOTDIR;
}

// None for one that is not there or no file: that is another problem.
std::optional<Refusal> ask_of_file(const Place& place)
{
    constexpr int to_make_files = R_OK | W_OK | X_OK;
    if (place.use != Use::read && ::faccessat(place.base, ".", to_make_files, 0) != 0)
        return last_refusal(".", to_make_files, false);
    if (!is_regular_file(place.base, place.path)) return std::nullopt;
    const int needed = place.use == Use::change ? R_OK | W_OK : R_OK;
    if (::faccessat(place.base, place.path.c_str(), needed, 0) != 0)
        return last_refusal(place.path, needed, true);
    if (place.use == Use::read || may_lose_its_name(place.base, place.path)) return std::nullopt;
    return last_refusal(place.path, needed, true);
}

std::optional<Refusal> ask(const Place& place)
{
    return place.use == Use::make_directories ? ask_of_directory(place) : ask_of_file(place);
}

// ---- between the two processes

struct Answer {
    int failure = 0; // errno; 0: the server may
    int needed = 0;
    std::size_t at_bytes = 0; // of the path; 0: "."
    bool itself = true;
};

Answer to_answer(const std::optional<Refusal>& refusal)
{
    if (!refusal) return {};
    return {refusal->why.value(), refusal->needed, refusal->at == "." ? 0 : refusal->at.size(),
            refusal->itself};
}

std::optional<Refusal> to_refusal(const Answer& answer, const Place& place)
{
    if (answer.failure == 0) return std::nullopt;
    return Refusal{error_code{answer.failure, boost::system::system_category()},
                   answer.at_bytes == 0 ? "." : place.path.substr(0, answer.at_bytes), answer.needed,
                   answer.itself};
}

[[noreturn]] void answer_and_exit(const std::optional<FileOwner>& user, std::span<const Place> places,
                                  int pipe)
{
    become(user);
    for (const Place& place : places) {
        const Answer answer = to_answer(ask(place));
        if (::write(pipe, &answer, sizeof answer) != sizeof answer) ::_exit(1);
    }
    ::_exit(0);
}

bool receive(int pipe, Answer& answer)
{
    ssize_t got = 0;
    do
        got = ::read(pipe, &answer, sizeof answer); // a pipe does not part what is so short
    while (got < 0 && errno == EINTR);
    return got == sizeof answer;
}

// ---- the remedies

bool has_acl(const std::string& path)
{
    return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

// "rwx" for all that access(2) knows.
std::string letters(int needed)
{
    std::string text;
    if ((needed & R_OK) != 0) text += 'r';
    if ((needed & W_OK) != 0) text += 'w';
    if ((needed & X_OK) != 0) text += 'x';
    return text;
}

std::string owner_text(const FileOwner& user)
{
    return std::to_string(user.user) + ":" + std::to_string(user.group);
}

std::string parent_of(const std::string& path)
{
    const auto slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// "chattr -i PATH" for the attributes that keep a directory, or a file in it, from being changed.
std::string remedy_for_attributes(const std::string& path)
{
    for (const std::string& each : {path, parent_of(path)}) {
        struct statx status {};
        if (::statx(AT_FDCWD, each.c_str(), 0, STATX_MODE, &status) != 0) continue;
        std::string which;
        if ((status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0) which += 'i';
        if ((status.stx_attributes & STATX_ATTR_APPEND) != 0) which += 'a';
        if (!which.empty()) return "chattr -" + which + " " + shell_word(each);
    }
    return {};
}

// An owner is judged by the bits for the owner, with an ACL as well.
std::string remedy_for_directory(const std::string& path, const struct stat& status, const FileOwner& user,
                                 int needed)
{
    const std::string word = shell_word(path);
    const bool to_write = (needed & W_OK) != 0;
    const std::string bits = to_write ? "rwx" : letters(needed);
    const auto lacks = [&](unsigned shift) {
        const auto wanted = static_cast<mode_t>(needed);
        return (status.st_mode >> shift & wanted) != wanted;
    };
    if (status.st_uid == user.user) return lacks(6) ? "chmod u+" + bits + " " + word : "";
    if (has_acl(path)) return "setfacl -m u:" + std::to_string(user.user) + ":" + bits + " " + word;
    if (!lacks(0) && !lacks(3)) return {}; // it is the file system that says no
    if (!to_write) return "chmod a+" + bits + " " + word;
    const std::string chown = "chown " + owner_text(user) + " " + word;
    return lacks(6) ? chown + " && chmod u+" + bits + " " + word : chown;
}

std::string remedy_for_permissions(const std::string& path, const FileOwner& user, int needed)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    if (S_ISDIR(status.st_mode)) return remedy_for_directory(path, status, user, needed);
    const std::string chmod = "chmod 600 " + shell_word(path);
    return status.st_uid == user.user ? chmod
                                      : "chown " + owner_text(user) + " " + shell_word(path) + " && " + chmod;
}

// The command, or what to look at.
std::string remedy(const std::string& path, const Refusal& refusal, const FileOwner& user)
{
    const int why = refusal.why.value();
    const std::string word = shell_word(path);
    if (why == EROFS) return "; mend with: mount -o remount,rw \"$(findmnt -n -o TARGET -T " + word + ")\"";
    if (why != EACCES && why != EPERM) return {};
    if (refusal.needed == 0) return "; the directories behind its links are shown by: namei -l " + word;
    std::string command = why == EPERM ? remedy_for_attributes(path) : std::string{};
    if (command.empty()) command = remedy_for_permissions(path, user, refusal.needed);
    if (!command.empty()) return "; mend with: " + command;
    return "; its file system has rules of its own (FUSE: mount it with allow_other; NFS: look at the "
           "export)";
}

std::string what_is_refused(const Refusal& refusal, Use use, const std::string& at)
{
    switch (use) {
    case Use::make_directories:
        return std::string{"cannot make directories there"} + (refusal.itself ? "" : ", because of " + at);
    case Use::read:
        return "cannot read it";
    case Use::replace:
    case Use::change:
        break;
    }
    return refusal.itself ? "cannot read and replace it" : "cannot make files there";
}

} // namespace

Result<std::vector<std::optional<Refusal>>> ask_kernel(const std::optional<FileOwner>& user,
                                                       std::span<const Place> places)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return last_system_error();
    const UniqueFd ours{ends[0]};
    UniqueFd theirs{ends[1]};
    const pid_t process = ::fork();
    if (process < 0) return last_system_error();
    if (process == 0) answer_and_exit(user, places, theirs.get());
    theirs.reset();
    std::vector<std::optional<Refusal>> answers;
    Answer answer;
    while (answers.size() < places.size() && receive(ours.get(), answer))
        answers.push_back(to_refusal(answer, places[answers.size()]));
    ::waitpid(process, nullptr, 0);
    if (answers.size() < places.size()) return error_code{EPERM, boost::system::system_category()};
    return answers;
}

std::string describe(const Refusal& refusal, const Place& place, const std::optional<FileOwner>& user)
{
    const std::string path = refusal.at == "." ? place.base_path : place.base_path + "/" + refusal.at;
    const FileOwner asker = user.value_or(FileOwner{::geteuid(), ::getegid()});
    return what_is_refused(refusal, place.use, path) + ": " + refusal.why.message() +
           remedy(path, refusal, asker);
}

} // namespace ftpc::server
