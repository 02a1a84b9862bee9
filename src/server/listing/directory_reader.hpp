// The names in a directory, one after the other, with one buffer of fixed size.
#pragma once

#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <dirent.h>

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

private:
    static constexpr std::size_t buffer_bytes = 16384;

    UniqueFd fd_;
    std::unique_ptr<char[]> buffer_; // NOLINT(modernize-avoid-c-arrays)
    std::size_t filled_ = 0;
    std::size_t place_ = 0;
};

} // namespace ftpc::server
