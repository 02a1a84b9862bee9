#include "shared/files/file.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/files/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

namespace ftpc {

namespace {

Result<UniqueFd> open_regular_file(int dir, const char* name)
{
    // O_NONBLOCK: opening a FIFO that somebody put there must not hang.
    // protection: no-link
    // protection: no-fifo
    UniqueFd file{::openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return last_system_error();
    if (!S_ISREG(status.st_mode)) return error_code{EINVAL, boost::system::system_category()};
    return file;
}

std::int64_t nanoseconds(const statx_timestamp& time)
{
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

using TemporaryId = std::array<std::uint8_t, 8>;

std::string temporary_prefix(const char* name)
{
    return "." + std::string{name} + ".";
}

std::string temporary_name(const char* name)
{
    TemporaryId random;
    fill_random(random);
    return temporary_prefix(name) + hex_encode(random);
}

bool is_temporary_of(std::string_view prefix, std::string_view entry)
{
    TemporaryId id;
    return entry.starts_with(prefix) && hex_decode_into(entry.substr(prefix.size()), id);
}

Result<void> write_temporary(int dir, const char* name, std::string_view contents, mode_t mode,
                             std::optional<FileOwner> owner)
{
    const UniqueFd file{
        ::openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (!file) return last_system_error();
    if (auto written = write_all(file.get(), contents); !written) return written;
    if (owner && ::fchown(file.get(), owner->user, owner->group) != 0) return last_system_error();
    // protection: file-sync
    if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) return last_system_error();
    return {};
}

} // namespace

Result<void> write_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return last_system_error();
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string> read_all(int fd, std::size_t max_bytes)
{
    std::string contents;
    // Growing in steps would copy a large file several times.
    struct stat status {};
    if (::fstat(fd, &status) == 0 && status.st_size > 0) {
        if (static_cast<std::uintmax_t>(status.st_size) > max_bytes)
            return error_code{EFBIG, boost::system::system_category()};
        contents.reserve(static_cast<std::size_t>(status.st_size));
    }
    std::array<char, 65536> chunk;
    while (true) {
        const ssize_t got = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(contents.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return last_system_error();
        if (got == 0) return contents;
        contents.append(chunk.data(), static_cast<std::size_t>(got));
        if (contents.size() > max_bytes) return error_code{EFBIG, boost::system::system_category()};
    }
}

Result<std::string> read_file(int dir, const char* name, std::size_t max_bytes)
{
    const auto file = open_regular_file(dir, name);
    if (!file) return file.error();
    return read_all(file->get(), max_bytes);
}

Result<std::string> read_private_file(int dir, const char* name, std::size_t max_bytes)
{
    const auto file = open_regular_file(dir, name);
    if (!file) return file.error();
    struct stat status {};
    if (::fstat(file->get(), &status) != 0) return last_system_error();
    const bool trusted_owner = status.st_uid == ::geteuid() || status.st_uid == 0 || ::geteuid() == 0;
    // protection: private-files
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 || !trusted_owner) return Errc::unsafe_permissions;
    return read_all(file->get(), max_bytes);
}

std::string why_not_read(const error_code& failure)
{
    namespace errc = boost::system::errc;
    if (failure == errc::too_many_symbolic_link_levels)
        return "is a symbolic link; the file itself must be there";
    if (failure == errc::invalid_argument || failure == errc::invalid_seek) return "is not a regular file";
    return failure.message();
}

FileVersion version_of(int dir, const char* name)
{
    // A network file system remembers which file had the name until it is asked for the directory's times.
    struct statx status {};
    ::statx(dir, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_CTIME, &status);
    if (::statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &status) != 0)
        return {};
    const std::uint64_t device = std::uint64_t{status.stx_dev_major} << 32U | status.stx_dev_minor;
    return {device, status.stx_ino, status.stx_size, nanoseconds(status.stx_mtime),
            nanoseconds(status.stx_ctime)};
}

Result<void> replace_file(int dir, const char* name, std::string_view contents, mode_t mode,
                          std::optional<FileOwner> owner)
{
    const std::string temporary = temporary_name(name);
    auto done = write_temporary(dir, temporary.c_str(), contents, mode, owner);
    if (done && ::renameat(dir, temporary.c_str(), dir, name) != 0) done = last_system_error();
    if (!done) {
        ::unlinkat(dir, temporary.c_str(), 0);
        return done;
    }
    // protection: name-sync
    if (const error_code failure = sync_directory_if_possible(dir)) return failure;
    return {};
}

Result<void> try_replace_file(int dir, const char* name, std::size_t bytes)
{
    const std::string temporary = temporary_name(name);
    auto done = write_temporary(dir, temporary.c_str(), std::string(bytes, '\n'), S_IRUSR | S_IWUSR, {});
    ::unlinkat(dir, temporary.c_str(), 0);
    return done;
}

void remove_left_temporaries(int dir, const char* name)
{
    UniqueFd own{::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const std::unique_ptr<DIR, int (*)(DIR*)> entries{own ? ::fdopendir(own.get()) : nullptr, ::closedir};
    if (!entries) return;
    own.release(); // closedir closes it
    const std::string prefix = temporary_prefix(name);
    while (const dirent* entry = ::readdir(entries.get()))
        if (is_temporary_of(prefix, entry->d_name)) ::unlinkat(dir, entry->d_name, 0);
}

} // namespace ftpc
