#include "server/auth/state/appended_file.hpp"

#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/files/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace ftpc::server {

namespace {

UniqueFd open_to_append(int dir, const char* name)
{
    return UniqueFd{::openat(dir, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
}

bool cut(int file, off_t bytes)
{
    return ::ftruncate(file, bytes) == 0;
}

} // namespace

std::optional<AppendedFile::Identity> AppendedFile::identity_of(const struct stat& status)
{
    constexpr std::int64_t nanoseconds = 1'000'000'000;
    // Another name of it may be that of a backup.
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1) return std::nullopt;
    return Identity{.device = status.st_dev,
                    .inode = status.st_ino,
                    .mode = status.st_mode,
                    .owner = status.st_uid,
                    .bytes = status.st_size,
                    .modified = status.st_mtim.tv_sec * nanoseconds + status.st_mtim.tv_nsec};
}

std::optional<AppendedFile::Identity> AppendedFile::identity_of(int file)
{
    struct stat status {};
    return ::fstat(file, &status) == 0 ? identity_of(status) : std::nullopt;
}

void AppendedFile::take_up(std::size_t bytes)
{
    struct stat status {};
    known_.reset();
    if (::fstatat(dir_, name_, &status, AT_SYMLINK_NOFOLLOW) == 0) known_ = identity_of(status);
    if (known_ && known_->bytes != static_cast<off_t>(bytes)) known_.reset();
}

Result<AppendedFile::Appended> AppendedFile::append(std::string_view lines)
{
    const auto before = std::exchange(known_, std::nullopt);
    if (!before) return Appended::must_be_replaced;
    const UniqueFd file = open_to_append(dir_, name_);
    // protection: same-sessions-file
    if (!file || identity_of(file.get()) != before) return Appended::must_be_replaced;
    if (const auto written = write_all(file.get(), lines); !written) {
        if (cut(file.get(), before->bytes)) known_ = identity_of(file.get());
        return written.error();
    }
    // protection: append-sync
    if (::fsync(file.get()) != 0) {
        const error_code failure = last_system_error();
        // Nobody is told that the lines hold. The file is in doubt now: the disk may have a part of them.
        static_cast<void>(cut(file.get(), before->bytes));
        return failure;
    }
    known_ = identity_of(file.get());
    // Another process that still had a call under way may have written between.
    const auto expected = before->bytes + static_cast<off_t>(lines.size());
    if (known_ && known_->bytes != expected) known_.reset();
    return known_ ? Appended::on_disk : Appended::must_be_replaced;
}

Result<void> AppendedFile::replace(std::string_view contents)
{
    if (auto replaced = replace_file(dir_, name_, contents, S_IRUSR | S_IWUSR); !replaced) return replaced;
    take_up(contents.size());
    return {};
}

} // namespace ftpc::server
