#include "shared/files/file.hpp"

#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

using namespace ftpc;
using test::TemporaryDirectory;
using Names = std::vector<std::string>;

namespace {

constexpr std::size_t enough = 1 << 20;

error_code system_error(int number)
{
    return {number, boost::system::system_category()};
}

struct stat status_of(const TemporaryDirectory& directory, const char* name)
{
    struct stat status {};
    REQUIRE(::fstatat(directory.fd(), name, &status, AT_SYMLINK_NOFOLLOW) == 0);
    return status;
}

// While it lives, writes beyond `bytes` into a file fail with EFBIG.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes)
    {
        handler_before_ = std::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limit{bytes, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit()
    {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        (void)std::signal(SIGXFSZ, handler_before_);
    }

private:
    rlimit before_{};
    void (*handler_before_)(int) = SIG_DFL;
};

// A small tmpfs over a directory; not mounted if this process may not.
class SmallTmpfs {
public:
    explicit SmallTmpfs(std::string path) : path_{std::move(path)}
    {
        mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=700") == 0;
    }
    SmallTmpfs(const SmallTmpfs&) = delete;
    SmallTmpfs& operator=(const SmallTmpfs&) = delete;
    ~SmallTmpfs()
    {
        if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    bool mounted() const { return mounted_; }

private:
    std::string path_;
    bool mounted_ = false;
};

} // namespace

TEST_CASE("a replaced file has the new contents and mode, and nothing is left beside it")
{
    const TemporaryDirectory directory;
    directory.write("users.db", "old");
    REQUIRE(replace_file(directory.fd(), "users.db", "new", 0600));
    CHECK(directory.read("users.db") == "new");
    CHECK((status_of(directory, "users.db").st_mode & 07777) == 0600);
    CHECK(directory.names() == Names{"users.db"});
}

TEST_CASE("replacing a file that is not there makes it")
{
    const TemporaryDirectory directory;
    REQUIRE(replace_file(directory.fd(), "users.db", "", 0640));
    CHECK(directory.read("users.db").empty());
    CHECK((status_of(directory, "users.db").st_mode & 07777) == 0640);
}

TEST_CASE("the mode of a replaced file is as asked, under any umask")
{
    const TemporaryDirectory directory;
    const mode_t before = ::umask(0777);
    const auto done = replace_file(directory.fd(), "certificate.pem", "x", 0644);
    ::umask(before);
    REQUIRE(done);
    CHECK((status_of(directory, "certificate.pem").st_mode & 07777) == 0644);
}

TEST_CASE("a reader with the old file open keeps the old contents whole")
{
    const TemporaryDirectory directory;
    directory.write("users.db", "old");
    const UniqueFd reader{::openat(directory.fd(), "users.db", O_RDONLY | O_CLOEXEC)};
    REQUIRE(replace_file(directory.fd(), "users.db", "new and longer", 0600));
    CHECK(read_all(reader.get(), enough).value() == "old");
}

TEST_CASE("a symbolic link is replaced itself, not its target")
{
    const TemporaryDirectory directory;
    directory.write("target", "untouched");
    REQUIRE(::symlinkat("target", directory.fd(), "users.db") == 0);
    REQUIRE(replace_file(directory.fd(), "users.db", "new", 0600));
    CHECK(directory.read("target") == "untouched");
    CHECK(S_ISREG(status_of(directory, "users.db").st_mode));
}

TEST_CASE("a failed replacement leaves the old file and nothing beside it")
{
    const TemporaryDirectory directory;
    directory.write("users.db", "old");

    SECTION("because the file would be too large")
    {
        const FileSizeLimit limit{1000};
        CHECK(replace_file(directory.fd(), "users.db", std::string(5000, 'x'), 0600).error() ==
              system_error(EFBIG));
    }
    SECTION("because the owner cannot be given it")
    {
        const FileOwner nobody{static_cast<uid_t>(-2), static_cast<gid_t>(-2)};
        if (::geteuid() == 0) return;
        CHECK(replace_file(directory.fd(), "users.db", "new", 0600, nobody).error() == system_error(EPERM));
    }
    CHECK(directory.read("users.db") == "old");
    CHECK(directory.names() == Names{"users.db"});
}

TEST_CASE("a full file system leaves the old file and nothing beside it")
{
    const TemporaryDirectory outside;
    const std::string path = outside.path("small");
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    const SmallTmpfs tmpfs{path};
    if (!tmpfs.mounted()) {
        WARN("not allowed to mount a tmpfs: left out");
        return;
    }
    const UniqueFd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    REQUIRE(replace_file(directory.get(), "users.db", "old", 0600));
    CHECK(replace_file(directory.get(), "users.db", std::string(1 << 20, 'x'), 0600).error() ==
          system_error(ENOSPC));
    CHECK(read_file(directory.get(), "users.db", enough).value() == "old");
    CHECK(replace_file(directory.get(), "users.db", "new", 0600));
}

TEST_CASE("a directory is not replaced by a file")
{
    const TemporaryDirectory directory;
    REQUIRE(::mkdirat(directory.fd(), "users.db", 0700) == 0);
    CHECK(replace_file(directory.fd(), "users.db", "new", 0600).error() == system_error(EISDIR));
    CHECK(directory.names() == Names{"users.db"});
}

TEST_CASE("a file can be given to another owner")
{
    if (::geteuid() != 0) {
        WARN("only root can give files away: left out");
        return;
    }
    const TemporaryDirectory directory;
    REQUIRE(replace_file(directory.fd(), "users.db", "x", 0600, FileOwner{12345, 23456}));
    CHECK(status_of(directory, "users.db").st_uid == 12345);
    CHECK(status_of(directory, "users.db").st_gid == 23456);
    CHECK((status_of(directory, "users.db").st_mode & 07777) == 0600);
}

TEST_CASE("a file is read whole, up to the bound and not beyond")
{
    const TemporaryDirectory directory;
    const std::string contents = std::string(200000, 'a') + '\0' + "end";
    directory.write("file", contents);
    CHECK(read_file(directory.fd(), "file", contents.size()).value() == contents);
    CHECK(read_file(directory.fd(), "file", contents.size() - 1).error() == system_error(EFBIG));
    directory.write("empty", "");
    CHECK(read_file(directory.fd(), "empty", 0).value().empty());
}

TEST_CASE("an open file is read from its beginning, wherever its offset stands")
{
    const TemporaryDirectory directory;
    directory.write("file", "contents");
    const UniqueFd file{::openat(directory.fd(), "file", O_RDONLY | O_CLOEXEC)};
    REQUIRE(::lseek(file.get(), 4, SEEK_SET) == 4);
    CHECK(read_all(file.get(), enough).value() == "contents");
    CHECK(read_all(file.get(), enough).value() == "contents");
}

TEST_CASE("a missing file is ENOENT")
{
    const TemporaryDirectory directory;
    CHECK(read_file(directory.fd(), "file", enough).error() == system_error(ENOENT));
}

TEST_CASE("a symbolic link is not read through")
{
    const TemporaryDirectory directory;
    directory.write("target", "secret");
    REQUIRE(::symlinkat("target", directory.fd(), "file") == 0);
    CHECK(read_file(directory.fd(), "file", enough).error() == system_error(ELOOP));
    CHECK(read_private_file(directory.fd(), "file", enough).error() == system_error(ELOOP));
}

TEST_CASE("a FIFO or a directory is refused without waiting")
{
    const TemporaryDirectory directory;
    REQUIRE(::mkfifoat(directory.fd(), "fifo", 0600) == 0);
    REQUIRE(::mkdirat(directory.fd(), "directory", 0700) == 0);
    for (const char* name : {"fifo", "directory"}) {
        CHECK(read_file(directory.fd(), name, enough).error() == system_error(EINVAL));
        CHECK(read_private_file(directory.fd(), name, enough).error() == system_error(EINVAL));
    }
}

TEST_CASE("a private file is read only when nobody else has any access to it")
{
    const TemporaryDirectory directory;
    directory.write("file", "secret");
    for (const mode_t mode : {0600U, 0400U, 0700U}) {
        REQUIRE(::fchmodat(directory.fd(), "file", mode, 0) == 0);
        CHECK(read_private_file(directory.fd(), "file", enough).value() == "secret");
    }
    for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0601U, 0644U}) {
        REQUIRE(::fchmodat(directory.fd(), "file", mode, 0) == 0);
        CHECK(read_private_file(directory.fd(), "file", enough).error() == Errc::unsafe_permissions);
    }
}

TEST_CASE("the remains of killed writers are removed, and nothing else")
{
    const TemporaryDirectory directory;
    const Names kept{".sessions.db.0123456789abcdef",
                     ".users.db.0123456789abcdef0",
                     ".users.db.0123456789abcdeg",
                     ".users.db.swp",
                     "users.db",
                     "users.db.0123456789abcdef"};
    for (const std::string& name : kept)
        directory.write(name, "");
    directory.write(".users.db.0123456789abcdef", "");
    directory.write(".users.db.ffffffffffffffff", "");
    remove_left_temporaries(directory.fd(), "users.db");
    CHECK(directory.names() == kept);
}
