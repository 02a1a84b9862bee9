// Reads users.db again after it has changed, once it is complete. A user who is missing in a half-written
// file must not be taken for removed.
//
// A file that was renamed onto users.db is complete. A file that was written in place is read after a moment
// without events. Either way nobody may hold the lock of the data directory or have the file open for
// writing. A writer is waited for ten seconds; the lock for as long as it is held.
//
// inotify tells of a change at once. It may be missing (limits of a user, containers), or tell nothing (a
// change on another machine). So the version of the file is compared twice a second, too.
#pragma once

#include "server/auth/directory_watch.hpp"
#include "server/auth/regular_look.hpp"
#include "server/users/users_file.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

namespace ftpc::server {

class UsersReader {
public:
    using Clock = std::chrono::steady_clock;

    // `users` lives longer than this. `on_changed` is called on the loop after each read that has put other
    // users in force.
    UsersReader(boost::asio::io_context& loop, UsersFile& users, std::function<void()> on_changed,
                std::function<Clock::time_point()> now = Clock::now);

    // Follows the changes in the open directory `data` at once. If the kernel does not allow that, the log
    // has the reason. To be called before the process is locked down.
    void watch(int data);

    // Follows them within a second. Starts a thread. The loop must not run any more when this object ends.
    void look_regularly(int data);

    // Reads the file now, or as soon as it is complete. Returns the problems, if it was read.
    std::vector<Problem> read();

    // The reason why read() waits, for the log; empty: it does not wait.
    std::string_view waits_for() const;

    // As read(); problems go into the log.
    void follow();

private:
    void compare(const FileVersion& now);
    void on_change(bool replaced);
    void come_back(UsersFile::UsedBy used_by);
    void follow_after(Clock::duration time);
    void tell_of_wait();

    static constexpr std::chrono::milliseconds time_between_looks{500};
    static constexpr std::chrono::milliseconds quiet{250}; // after which more is not expected
    static constexpr std::chrono::milliseconds longest_unrest{800};
    // Between tries. `ftpcd user` renames the file before it releases the lock, and its change must be in
    // force when it ends.
    static constexpr std::chrono::milliseconds short_pause{1};
    static constexpr std::chrono::milliseconds long_pause{50};
    static constexpr std::chrono::seconds usual_wait{1}; // then pauses are long, and the log names the reason
    static constexpr std::chrono::seconds longest_writer{10};

    UsersFile& users_;
    std::function<void()> on_changed_;
    std::function<Clock::time_point()> now_;
    boost::asio::steady_timer timer_;
    std::optional<DirectoryWatch> watch_;
    std::optional<RegularLook> look_;
    std::optional<Clock::time_point> changed_at_; // the first of the changes that are not read yet
    UsersFile::UsedBy used_by_ = UsersFile::UsedBy::nobody;
    Clock::time_point used_since_;
    std::string kept_because_; // the problems that were found last
    bool told_ = false;
};

} // namespace ftpc::server
