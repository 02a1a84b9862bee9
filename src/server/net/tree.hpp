// The tree: directories beneath a user's home, opened and made so that no name, link or race leads out of it.
#pragma once

#include "shared/remote_path.hpp"
#include "shared/result.hpp"
#include "shared/unique_fd.hpp"

#include <sys/types.h>

#include <memory>
#include <string_view>
#include <vector>

namespace ftpc::server {

// An open directory that is shared by whoever needs it: a session's working directory, a waiting sync.
struct OpenDirectory {
    UniqueFd fd;
    bool can_sync = false; // opened for reading, which fsync(2) needs; false where permissions deny that
};
using Directory = std::shared_ptr<const OpenDirectory>;

struct Made {
    bool anything = false; // false: all of the path was there before
    std::vector<Directory>
        parents; // those whose entries make the path; to be synced before it is acknowledged
};

class Tree {
public:
    // How the kernel is asked. `beneath`: openat2(2) with RESOLVE_BENEATH. `walk`: component by component
    // with O_NOFOLLOW, for kernels and sandboxes without openat2; links are then not followed at all.
    enum class Lookup { beneath, walk };

    // Probes once whether openat2 is there; nothing that happens later changes the answer.
    explicit Tree(UniqueFd root, mode_t directory_mode);
    Tree(UniqueFd root, mode_t directory_mode, Lookup lookup);

    // A user's home, relative to the root.
    // Fails with errno of openat2(2): ENOENT, ENOTDIR, EXDEV, EACCES …, EAGAIN after 16 tries.
    Result<Directory> open_home(std::string_view home) const;

    // The directory that `path` names beneath `home`. Fails as open_home.
    Result<Directory> open(const Directory& home, const RemotePath& path) const;

    // Makes one directory with the plain name `name` in `parent`: one system call.
    // Fails with Errc::directory_exists when a directory of that name is there, EEXIST when something else
    // is, or errno of mkdirat(2).
    Result<Made> make_in(const Directory& parent, std::string_view name) const;

    // Makes `path`, whose parent must be there. Fails as open and make_in. The home itself exists.
    Result<Made> make(const Directory& home, const RemotePath& path) const;

    // Makes `path` and what is missing above it. What was made before a failure stays.
    Result<Made> make_with_parents(const Directory& home, const RemotePath& path) const;

    Lookup lookup() const { return lookup_; }
    const Directory& share_root() const { return root_; }
    void set_directory_mode(mode_t mode) { directory_mode_ = mode; }

private:
    Result<Directory> open_at(int base, std::string_view relative_path) const;
    Result<Directory> step_into(const Directory& home, const Directory& here,
                                const RemotePath& reached) const;
    Result<Made> walk_and_make(const Directory& home, const RemotePath& path) const;

    Directory root_;
    mode_t directory_mode_;
    Lookup lookup_;
};

} // namespace ftpc::server
