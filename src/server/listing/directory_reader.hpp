// The names in a directory, one after the other, with one buffer of fixed size.
#pragma once

#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <dirent.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>

namespace ftpc::server {

class DirectoryReader {
public:
    // `directory` is open for reading, and its reading position is at the beginning.
    explicit DirectoryReader(UniqueFd directory);

    // The next name, without "." and ".."; valid until the next call. Null at the end. Fails with errno of
    // getdents64(2): ENOENT if the directory has been removed.
    Result<const dirent64*> next();

    int fd() const { return fd_.get(); }

    // For a while, without a descriptor: then next() is not called. Fails with errno of fstat(2) or lseek(2).
    error_code close();
    // `directory` is the same one, else EAGAIN; reading goes on where it was.
    error_code reopen(UniqueFd directory);
    bool is_open() const { return static_cast<bool>(fd_); }

private:
    static constexpr std::size_t buffer_bytes = 16384;

    UniqueFd fd_;
    std::unique_ptr<char[]> buffer_; // NOLINT(modernize-avoid-c-arrays)
    std::size_t filled_ = 0;
    std::size_t place_ = 0;
    dev_t device_ = 0; // of a directory that is closed, with its inode and the reading position
    ino_t inode_ = 0;
    off_t position_ = 0;
};

} // namespace ftpc::server
