#include "shared/files/file_system.hpp"

#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

using namespace ftpc;

namespace {

UniqueFd open_directory(const char* path, int flags = O_RDONLY)
{
    return UniqueFd{::open(path, flags | O_DIRECTORY | O_CLOEXEC)};
}

// The errno of a sync of a file system that is read-only; -1 if none can be mounted.
int sync_of_read_only(const char* place)
{
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", place, "tmpfs", MS_RDONLY, nullptr) != 0)
            ::_exit(255);
        ::_exit(sync_file_system(open_directory(place).get()).value());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) != 255 ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("only file systems that are known to be local are taken to be so")
{
    const UniqueFd proc = open_directory("/proc");
    CHECK_FALSE(is_local_file_system(proc.get()));
    CHECK_FALSE(is_local_file_system(-1));
    const test::TemporaryDirectory temporary;
    CHECK(is_local_file_system(temporary.fd()));
    CHECK_FALSE(on_same_mount(proc.get(), temporary.fd()));
    CHECK(on_same_mount(temporary.fd(), temporary.fd()));
}

TEST_CASE("a directory is synced, and so is its file system")
{
    const test::TemporaryDirectory temporary;
    CHECK_FALSE(sync_directory(temporary.fd()));
    CHECK_FALSE(sync_file_system(temporary.fd()));
}

TEST_CASE("a file system whose directories know no fsync is synced")
{
    const UniqueFd proc = open_directory("/proc");
    REQUIRE(::fsync(proc.get()) != 0);
    CHECK(errno == EINVAL);
    CHECK_FALSE(sync_directory(proc.get()));
}

TEST_CASE("the kernel's refusal to sync is told")
{
    const test::TemporaryDirectory temporary;
    const UniqueFd path = open_directory(temporary.path().c_str(), O_PATH);
    CHECK(sync_directory(-1).value() == EBADF);
    CHECK(sync_directory(path.get()).value() == EBADF);
    CHECK(sync_file_system(-1).value() == EBADF);
}

TEST_CASE("a read-only file system is not said to be synced, since the kernel syncs nothing there")
{
    const test::TemporaryDirectory temporary;
    const int result = sync_of_read_only(temporary.path().c_str());
    if (result == -1)
        WARN("skipped: nothing can be mounted here");
    else
        CHECK(result == EROFS);
}

TEST_CASE("file systems that another machine or another process keeps are not synced as a whole")
{
    const test::TemporaryDirectory temporary;
    CHECK_FALSE(syncs_as_a_whole(open_directory("/proc").get()));
    CHECK_FALSE(syncs_as_a_whole(-1));
    CHECK(is_local_file_system(temporary.fd()));
}
