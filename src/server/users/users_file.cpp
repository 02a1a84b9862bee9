#include "server/users/users_file.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/crypto/digest.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::string_view header =
    "# Users of ftpcd. Change them with `ftpcd user`, or with an editor: the running server reads the file "
    "again within\n"
    "# a second. users.db.example explains the lines.\n"
    "#\n"
    "# The realm is part of every password hash: with another realm, nobody's password is right any more.\n";

constexpr std::chrono::milliseconds pause_between_tries{10};
constexpr std::chrono::seconds writer_patience{2};

// Held while users.db is changed. An open file description of its own, so that it also keeps threads apart.
// `how`: LOCK_EX to change the file, LOCK_SH to read it; with LOCK_NB it fails with EWOULDBLOCK instead of
// waiting.
Result<UniqueFd> lock_directory(int data, int how)
{
    UniqueFd lock{::openat(data, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!lock) return last_system_error();
    // protection: lock
    while (::flock(lock.get(), how) != 0)
        if (errno != EINTR) return last_system_error();
    return lock;
}

Result<UniqueFd> lock_within(int data, std::chrono::milliseconds patience)
{
    const auto until = std::chrono::steady_clock::now() + patience;
    while (true) {
        auto lock = lock_directory(data, LOCK_EX | LOCK_NB);
        const bool held = !lock && lock.error() == boost::system::errc::operation_would_block;
        if (!held || std::chrono::steady_clock::now() >= until) return lock;
        std::this_thread::sleep_for(pause_between_tries);
    }
}

// 0, or errno.
int take_lease(int file)
{
    if (::fcntl(file, F_SETLEASE, F_RDLCK) == 0) return 0;
    struct stat status {};
    if (errno != EACCES || ::geteuid() != 0 || ::fstat(file, &status) != 0) return errno;
    // Only the owner may, or CAP_LEASE, which root in a container lacks. This concerns the calling thread.
    const auto before = static_cast<uid_t>(::setfsuid(status.st_uid));
    const int failure = ::fcntl(file, F_SETLEASE, F_RDLCK) == 0 ? 0 : errno;
    ::setfsuid(before);
    return failure;
}

// Whether somebody has the file open for writing: then the kernel grants no lease for reading (fcntl(2)). If
// somebody opens it while the lease is held, a signal would say so: SIGURG, which is ignored by default.
bool has_writer(int data)
{
    const UniqueFd file{::openat(data, users_file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!file || ::fcntl(file.get(), F_SETSIG, SIGURG) != 0) return false;
    const int failure = take_lease(file.get());
    if (failure == 0) ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    return failure == EAGAIN;
}

// Whether somebody still has it open for writing after that time.
bool has_writer_for(int data, std::chrono::milliseconds patience)
{
    const auto until = std::chrono::steady_clock::now() + patience;
    while (has_writer(data)) {
        if (std::chrono::steady_clock::now() >= until) return true;
        std::this_thread::sleep_for(pause_between_tries);
    }
    return false;
}

std::string random_realm()
{
    std::array<std::uint8_t, 16> bytes{};
    fill_random(bytes);
    return hex_encode(bytes);
}

// Under the lock.
Result<void> write_users(int data, std::string_view text, std::optional<FileOwner> owner)
{
    remove_left_temporaries(data, users_file_name);
    return replace_file(data, users_file_name, text, S_IRUSR | S_IWUSR, owner);
}

std::string account_name(uid_t user)
{
    std::vector<char> buffer(16384);
    passwd account{};
    passwd* found = nullptr;
    const int failure = ::getpwuid_r(user, &account, buffer.data(), buffer.size(), &found);
    return failure == 0 && found != nullptr ? found->pw_name : std::to_string(user);
}

bool is_there(int data)
{
    struct stat status {};
    return ::fstatat(data, users_file_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

} // namespace

Result<void> ensure_users_file(int data, std::optional<FileOwner> owner)
{
    if (is_there(data)) return {};
    const auto lock = lock_within(data, std::chrono::seconds{10});
    if (!lock) return lock.error();
    if (is_there(data)) return {};
    // There were users: a new file, with another realm, would quietly lock all of them out.
    for (const char* left : {"sessions.db", "login-history"})
        if (::faccessat(data, left, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return Errc::users_db_missing;
    return write_users(data, std::string{header} + "realm " + random_realm() + "\n", owner);
}

UsersFile::UsersFile(int data, std::string data_path, std::optional<FileOwner> owner)
    : data_{data}, data_path_{std::move(data_path)}, owner_{owner}, owner_name_{account_name(
                                                                        owner ? owner->user : ::geteuid())}
{}

std::vector<Problem> UsersFile::load()
{
    return take(read());
}

// The version first: a change while the file is read makes another one, which is noticed.
Result<std::string> UsersFile::read()
{
    version_read_ = version_of(data_, users_file_name);
    auto text = read_private_file(data_, users_file_name, max_users_file_bytes);
    // Too few descriptors, say: the next look shall find a change.
    if (!text && text.error().category() == boost::system::system_category()) version_read_ = {};
    return text;
}

UsersFile::Attempt UsersFile::try_load(bool despite_writer)
{
    const auto text = [&]() -> std::variant<Result<std::string>, UsedBy> {
        // protection: complete-users-lock
        const auto lock = lock_directory(data_, LOCK_SH | LOCK_NB);
        if (!lock && lock.error() == boost::system::errc::operation_would_block)
            return UsedBy::holder_of_lock;
        // A file system that knows no locks keeps nobody away.
        // protection: complete-users
        if (!despite_writer && has_writer(data_)) return UsedBy::writer;
        return read();
    }(); // parsing takes longer than reading, and needs no lock
    if (const auto* used_by = std::get_if<UsedBy>(&text)) return {*used_by, {}};
    return {UsedBy::nobody, take(std::get<Result<std::string>>(text))};
}

std::vector<Problem> UsersFile::load_within(std::chrono::milliseconds patience)
{
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        auto attempt = try_load();
        if (attempt.used_by == UsedBy::nobody) return std::move(attempt.problems);
        std::this_thread::sleep_for(pause_between_tries);
    }
    return load();
}

std::vector<Problem> UsersFile::take(Result<std::string> text)
{
    if (!text) return {unreadable(text.error())};
    if (table_ && table_->text() == *text) return {};
    auto parsed = UsersTable::parse(std::move(*text));
    if (parsed.table) table_ = std::move(parsed.table);
    return std::move(parsed.problems);
}

std::vector<Problem> UsersFile::edit(const Edit& change, const std::function<void()>& undo)
{
    const auto lock = lock_directory(data_, LOCK_EX);
    if (!lock) return {{data_path_, "cannot be locked: " + lock.error().message()}};
    if (has_writer_for(data_, writer_patience))
        return {{users_file_name, "somebody is writing it without the lock; try again when that has ended"}};
    if (auto problems = load(); !problems.empty()) return problems;
    const auto edited = change(*table_);
    if (const auto* refusal = std::get_if<NoChange>(&edited)) return {{users_file_name, refusal->reason}};
    const auto& wanted = std::get<UsersChange>(edited);
    // A table that could not be read back is never written.
    if (auto objection = table_->objection_to(wanted); !objection.empty()) {
        undo();
        return {{users_file_name, std::move(objection)}};
    }
    const std::string text = table_->text_with(wanted);
    const auto written = write_users(data_, text, owner_);
    if (written) return {};
    // The directory's sync has failed: everybody reads the new file, until a power failure.
    const auto there = read_private_file(data_, users_file_name, max_users_file_bytes);
    if (there && *there == text)
        return {{users_file_name, "was changed, but may not be on disk: " + written.error().message()}};
    // protection: undo
    undo();
    return {{users_file_name, "cannot be written: " + written.error().message()}};
}

std::optional<User> UsersFile::pick(std::uint64_t number) const
{
    if (table_->size() == 0) return std::nullopt;
    return table_->at(static_cast<std::size_t>(number % table_->size()));
}

Result<bool> UsersFile::renew_password_hash(std::string_view name, std::string_view expected,
                                            std::string_view renewed)
{
    using boost::system::in_place_error; // an error_code alone could also mean a bool
    const auto lock = lock_directory(data_, LOCK_EX | LOCK_NB);
    if (!lock) return {in_place_error, lock.error()};
    if (has_writer(data_)) return {in_place_error, EWOULDBLOCK, boost::system::system_category()};
    // Not load(): the table in force belongs to another thread.
    auto text = read_private_file(data_, users_file_name, max_users_file_bytes);
    if (!text) return {in_place_error, text.error()};
    const auto now = UsersTable::parse(std::move(*text));
    if (!now.table) return {in_place_error, EBADMSG, boost::system::system_category()};
    auto user = now.table->find(name);
    if (!user || user->password_hash != expected) return false;
    user->password_hash = renewed;
    if (const auto written = write_users(data_, now.table->text_with(now.table->replacing(*user)), owner_);
        !written)
        return {in_place_error, written.error()};
    return true;
}

Problem UsersFile::unreadable(const error_code& error) const
{
    std::string reason = why_not_read(error);
    if (error == boost::system::errc::no_such_file_or_directory)
        reason = "there is none; put it back if it was lost (the first `ftpcd user add` makes one)";
    if (error == Errc::unsafe_permissions || error == boost::system::errc::permission_denied) {
        const std::string path = shell_word(data_path_ + "/" + users_file_name);
        reason += "; mend with: chown " + owner_name_ + " " + path + " && chmod 600 " + path;
    }
    return {users_file_name, std::move(reason)};
}

} // namespace ftpc::server
