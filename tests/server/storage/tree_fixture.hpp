// A tree with one home in it and a place outside, on a real file system.
#pragma once

#include "server/storage/tree.hpp"
#include "shared/base/error.hpp"
#include "support/catch.hpp"
#include "support/in_child.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace ftpc::test {

// In that process: from root to a user who may do nothing special.
inline void drop_root()
{
    if (::geteuid() == 0 &&
        (::setresgid(nobody, nobody, nobody) != 0 || ::setresuid(nobody, nobody, nobody) != 0))
        throw std::runtime_error{"cannot drop root"};
}

// The text of a result's failure; "done" without one.
template <class T>
std::string failure_text(const Result<T>& result)
{
    if (result) return "done";
    if (result.error() == Errc::directory_exists) return "directory exists";
    return result.error().message();
}

inline RemotePath path(std::string_view text)
{
    return RemotePath{}.resolve(text).value();
}

inline ino_t inode(int fd)
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

// The result, or only the error if it failed.

inline Result<server::MkdirResult> done_or_failure(server::MkdirResult result)
{
    if (result.failure) return {boost::system::in_place_error, result.failure};
    return result;
}

inline Result<server::MkdirResult> make_in(const server::Tree& tree, const server::Directory& parent,
                                           std::string_view name, const server::Tree::Terms& terms = {})
{
    return done_or_failure(tree.make_in(parent, name, terms));
}

inline Result<server::MkdirResult> make(const server::Tree& tree, const server::Directory& home,
                                        const RemotePath& path, const server::Tree::Terms& terms = {})
{
    return done_or_failure(tree.make(home, path, terms));
}

inline Result<server::MkdirResult> make_with_parents(const server::Tree& tree, const server::Directory& home,
                                                     const RemotePath& path,
                                                     const server::Tree::Terms& terms = {})
{
    return done_or_failure(tree.make_with_parents(home, path, terms));
}

struct TreeFixture {
    TemporaryDirectory top;           // root/alice, outside
    mode_t umask_before = ::umask(0); // as net runs

    TreeFixture()
    {
        make("root");
        make("root/alice");
        make("outside");
    }
    TreeFixture(const TreeFixture&) = delete;
    TreeFixture& operator=(const TreeFixture&) = delete;
    ~TreeFixture() { ::umask(umask_before); }

    UniqueFd open(const std::string& name) const
    {
        return UniqueFd{::open(top.path(name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
    server::Tree tree(server::Tree::Lookup lookup = server::Tree::Lookup::beneath, mode_t mode = 0755) const
    {
        return {open("root"), mode, lookup};
    }
    void make(const std::string& name) const { REQUIRE(::mkdir(top.path(name).c_str(), 0755) == 0); }
    void make_in_home(const std::string& name) const { make("root/alice/" + name); }
    void link(const std::string& target, const std::string& name) const
    {
        REQUIRE(::symlink(target.c_str(), top.path("root/alice/" + name).c_str()) == 0);
    }
    void file(const std::string& name) const { top.write("root/alice/" + name, "contents"); }

    bool is_directory(const std::string& name) const
    {
        struct stat status {};
        return ::lstat(top.path("root/alice/" + name).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    }
    mode_t mode(const std::string& name) const
    {
        struct stat status {};
        return ::lstat(top.path("root/alice/" + name).c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
    }
    ino_t inode_in_home(const std::string& name) const { return inode(open("root/alice/" + name).get()); }
    // Runs `job` while a file system of its own is mounted on alice/mount; its text, or why there is none.
    template <class Job>
    void with_mount(const Job& job, const std::string& expected) const
    {
        if (::geteuid() != 0) {
            WARN("skipped: mounting needs root");
            return;
        }
        make_in_home("mount");
        const std::string result = test::in_child([&]() -> std::string {
            const std::string mount = top.path("root/alice/mount");
            if (::unshare(CLONE_NEWNS) != 0 ||
                ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                ::mount("tmpfs", mount.c_str(), "tmpfs", 0, nullptr) != 0)
                return "cannot mount";
            return job();
        });
        if (result == "cannot mount")
            WARN("skipped: nothing can be mounted here");
        else
            CHECK(result == expected);
    }

    bool outside_is_empty() const { return std::filesystem::is_empty(top.path("outside")); }
};

inline std::vector<ino_t> inodes(const server::Parents& directories)
{
    std::vector<ino_t> all;
    for (const server::Parents::Entry& entry : directories)
        all.push_back(inode(entry.directory->fd.get()));
    return all;
}

} // namespace ftpc::test
