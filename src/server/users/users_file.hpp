// users.db: the users, as a text file that people may read and edit. Its form is in user_line.hpp, and
// users.db.example explains it.
//
// A writer (`ftpcd user`, and auth when it renews a hash) locks the data directory with flock(2), reads the
// file anew, and replaces it whole. So no change is lost, and a reader sees the old file or the new one.
//
// An editor may write it in place, in several steps. So auth reads it only if nobody holds the lock or has
// the file open for writing: try_load(). It is not replaced while it is open for writing. Else the new file
// would have half of the users, and the editor would write the rest into a deleted file.
#pragma once

#include "server/users/users_table.hpp"
#include "shared/files/file.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ftpc::server {

inline constexpr const char* users_file_name = "users.db";

// Makes a users.db without users and with a new random realm if there is none. `data` is the open data
// directory; the file is given to `owner`. Fails with the system's error, or with EWOULDBLOCK if somebody
// holds the lock for ten seconds. Errc::users_db_missing: session keys or a login history show that a
// users.db has been lost.
Result<void> ensure_users_file(int data, std::optional<FileOwner> owner = std::nullopt);

// Used by one thread, except for renew_password_hash(), which any thread may call at any time.
class UsersFile final : public UserStore {
public:
    // `data` is the open data directory and stays open as long as this lives. `data_path` names it in
    // messages; `owner` gets the written files.
    UsersFile(int data, std::string data_path, std::optional<FileOwner> owner = std::nullopt);

    // Reads the file. If the result is empty, the new table is in force; else the last good table stays.
    std::vector<Problem> load();

    enum class UsedBy {
        nobody,
        holder_of_lock, // of the data directory
        writer,         // has the file open for writing
    };
    struct Attempt {
        UsedBy used_by = UsedBy::nobody; // else nothing was read
        std::vector<Problem> problems;   // as load() gives them
    };
    // As load(), but reads nothing while somebody is changing the file, and does not wait for that. With
    // `despite_writer` it may be open for writing. If the file system cannot tell whether it is, it is taken
    // not to be.
    Attempt try_load(bool despite_writer = false);

    // The version of the file that was read last, or could not be read.
    const FileVersion& version_read() const { return version_read_; }

    // For the start of a process: tries for up to `patience`, then reads the file as it is.
    std::vector<Problem> load_within(std::chrono::milliseconds patience);

    // The table in force; null before the first good load().
    const std::shared_ptr<const UsersTable>& table() const { return table_; }

    // The change to the file as it is under the lock, or the reason why there is none.
    struct NoChange {
        std::string reason;
    };
    using Edited = std::variant<UsersChange, NoChange>;
    using Edit = std::function<Edited(const UsersTable& now)>;

    // Changes the file under the lock. Waits two seconds for a process that has it open for writing, and
    // changes nothing if that lasts longer. If the result is empty, the new file is on disk; it is in force
    // here after the next load(). Else nothing was changed, unless it says so; a NoChange is returned as a
    // problem of "users.db". If the file is not written, `undo`, still under the lock, takes back the other
    // effects of `change`.
    std::vector<Problem> edit(
        const Edit& change, const std::function<void()>& undo = [] {});

    // UserStore; find() and the others need a good load() before. A renewed hash is found after the next
    // load(). Renewal fails with EWOULDBLOCK while somebody else holds the lock or has the file open: hashing
    // threads must not wait for an editor.
    const std::string& realm() const override { return table_->realm(); }
    std::optional<User> find(std::string_view name) const override { return table_->find(name); }
    std::size_t size() const override { return table_->size(); }
    std::optional<User> pick(std::uint64_t number) const override;
    Result<bool> renew_password_hash(std::string_view name, std::string_view expected,
                                     std::string_view renewed) override;

private:
    Result<std::string> read();
    std::vector<Problem> take(Result<std::string> text);
    Problem unreadable(const error_code& error) const;

    int data_;
    std::string data_path_;
    std::optional<FileOwner> owner_;
    std::string owner_name_; // found at once: a process that is locked down cannot look it up later
    std::shared_ptr<const UsersTable> table_;
    FileVersion version_read_;
};

} // namespace ftpc::server
