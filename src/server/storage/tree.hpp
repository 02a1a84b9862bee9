// The tree: directories beneath a user's home. No name, link or race leads out of it, and the event loop
// never waits for a file system that may hang.
#pragma once

#include "server/config/settings.hpp"
#include "server/storage/parents.hpp"
#include "server/storage/quota.hpp"
#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/protocol/remote_path.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

namespace ftpc::server {

class TreeSync;

// The result of a mkdir, in one attempt or several. All but `failure` describes the new directories, also
// before a failure.
struct MkdirResult {
    error_code failure{};
    bool path_made = false;      // the directory itself; false: it was there before, or is not there
    std::size_t directories = 0; // all that were missing and are not any more
    std::size_t below = 0;       // bytes at the end of the path, with their slash, below the last new one
                                 // of these: 0 if it was made as a whole
    Parents parents{};           // their entries make the path; they are synced before it is acknowledged
    error_code sync_failure{};   // of parents that were synced on the way and are no longer among these

    // Adds the result of the next attempt, which continued at the failure of this one.
    void add(const MkdirResult& next, std::size_t most_parents = Parents::most_of_session);
};

// The parent that a path was looked up to a moment ago: the next command on a name in it needs no look-up. To
// be forgotten within milliseconds, since a path that is moved or replaced meanwhile leads elsewhere.
struct RecentParent {
    Directory home;   // null: none
    std::string path; // relative to it
    Directory directory;

    void remember(const Directory& of_home, std::string_view relative_path, const Directory& found)
    {
        home = of_home;
        path = relative_path;
        directory = found;
    }
    void forget() { *this = {}; }
};

// How far a call may block its thread. `never`, on the event loop: Errc::would_wait if the directory, or a
// mount on the way, is not local; Errc::must_count if it has to count first. Another thread then makes the
// same call. The setting hand-over decides which file systems count as local. `to_count`: may count;
// Errc::would_wait as with `never`. `any`: may wait for any file system.
enum class Blocking { never, to_count, any };

// The terms on which new directories are made.
struct MakeTerms {
    Blocking blocking = Blocking::any;
    const Allowance* allowance = nullptr; // asked for each directory in the home; null: any number
    RecentParent* recent = nullptr;       // is used, and kept up to date
    std::size_t most_parents = Parents::most_of_session; // to be held at once, as in Parents::add
    TreeSync* sync = nullptr;                            // for more parents than that; null: no sync at all
};

class Tree {
public:
    // How the kernel is asked. `beneath`: openat2(2) with RESOLVE_BENEATH. `walk`: component by component
    // with O_NOFOLLOW, for kernels and sandboxes without openat2; links are then not followed at all.
    enum class Lookup { beneath, walk };

    using Terms = MakeTerms;

    // Probes once whether openat2 is there; nothing that happens later changes the answer.
    Tree(UniqueFd root, mode_t directory_mode, HandOver hand_over = HandOver::automatic);
    Tree(UniqueFd root, mode_t directory_mode, Lookup lookup, HandOver hand_over = HandOver::automatic);

    // A user's home, relative to the root.
    // Fails with errno of openat2(2): ENOENT, ENOTDIR, EXDEV, EACCES …, EAGAIN after 16 tries.
    Result<Directory> open_home(std::string_view home, Blocking blocking = Blocking::any) const;

    // The directory that `path` names beneath `home`, to work in: it may be searched. Fails as open_home.
    Result<Directory> open(const Directory& home, const RemotePath& path,
                           Blocking blocking = Blocking::any) const;

    // The status of what `relative_path` names beneath `home`, of any kind; "" is the home itself. Links are
    // followed. Fails as open_home.
    Result<struct stat> status(const Directory& home, std::string_view relative_path,
                               Blocking blocking = Blocking::any) const;

    // The parent of `path`, which is not the home, found from `recent` if that is given. Fails as open_home.
    Result<Directory> open_parent(const Directory& home, const RemotePath& path, Blocking blocking,
                                  RecentParent* recent) const;

    // Makes one directory with the plain name `name` in `parent`: one system call. Fails with
    // Errc::directory_exists for an existing directory of that name, EEXIST for anything else,
    // Errc::over_quota, or errno of mkdirat(2).
    MkdirResult make_in(const Directory& parent, std::string_view name, const Terms& terms = {}) const;

    // Makes `path`, whose parent must be there. Fails as open and make_in. The home itself exists.
    MkdirResult make(const Directory& home, const RemotePath& path, const Terms& terms = {}) const;

    // Makes `path` and the directories that are missing above it; those that were made before a failure stay.
    // Fails as open and make_in.
    MkdirResult make_with_parents(const Directory& home, const RemotePath& path,
                                  const Terms& terms = {}) const;

    Lookup lookup() const { return lookup_; }
    const Directory& share_root() const { return root_; }
    bool on_own_disk() const { return on_own_disk_; }                // the root, for any hand-over
    void set_directory_mode(mode_t mode) { directory_mode_ = mode; } // from any thread

private:
    Directory as_root(UniqueFd fd) const;
    Result<Directory> open_relative(const Directory& home, std::string_view path, Blocking blocking) const;
    Result<OpenDirectory> open_at(const OpenDirectory& base, std::string_view relative_path,
                                  Blocking blocking, int flags = 0) const;
    bool is_local(int fd) const;
    bool must_stay(Blocking blocking) const;
    error_code what_is_there(const Directory& parent, const char* name, Blocking blocking) const;
    Result<Directory> step_into(const Directory& home, const Directory& here, const RemotePath& reached,
                                Blocking blocking) const;
    error_code make_one(const Directory& parent, std::string_view name, MkdirResult& result,
                        const Terms& terms) const;
    static error_code keep_few(MkdirResult& result, const Terms& terms);
    error_code walk_and_make(const Directory& home, const RemotePath& path, MkdirResult& result,
                             const Terms& terms) const;

    Lookup lookup_;
    HandOver hand_over_;
    bool on_own_disk_;
    std::atomic<mode_t> directory_mode_;
    Directory root_; // after what it is told local by
};

} // namespace ftpc::server
