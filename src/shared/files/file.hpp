// Whole files, read with a bound and replaced atomically.
#pragma once

#include "shared/base/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc {

// Everything in an open file from its beginning. Fails with EFBIG beyond `max_bytes`.
Result<std::string> read_all(int fd, std::size_t max_bytes);

// A regular file beneath the directory `dir` (or AT_FDCWD), never through a symbolic link in its last
// component. Fails with ELOOP for a link, EFBIG beyond `max_bytes`, EINVAL for anything but a regular file.
Result<std::string> read_file(int dir, const char* name, std::size_t max_bytes);

// As read_file, for a file that only its owner may read. Fails with Errc::unsafe_permissions when group or
// others have any access, or when another user than this process's and root owns it. (Root reads any owner's:
// the server's files belong to its system users.)
Result<std::string> read_private_file(int dir, const char* name, std::size_t max_bytes);

// Explains a failure of those above to people.
std::string why_not_read(const error_code& failure);

// Writes all of `bytes` to an open file. Fails with the system's error; a part of them may be written then.
Result<void> write_all(int fd, std::string_view bytes);

// The file that a name stands for, as it is now. Another file in its place, a write and a change of
// permissions all make another version.
struct FileVersion {
    std::uint64_t device = 0;
    std::uint64_t inode = 0; // 0: there is none, or it cannot be looked up
    std::uint64_t bytes = 0;
    std::int64_t modified = 0; // nanoseconds since 1970
    std::int64_t changed = 0;
    friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

// Of what has the name `name` in the open directory `dir`, a symbolic link itself.
FileVersion version_of(int dir, const char* name);

struct FileOwner {
    uid_t user;
    gid_t group;
};

// Replaces a whole file: writes a temporary one beside it, syncs it, renames it over the old one and syncs
// the directory. After a crash either the old or the new contents are there, never a mix. When it fails the
// temporary file is gone and the old one untouched, unless it was the directory's sync that failed. `owner`
// gets the new file; without it the owner stays this process's. `dir` is an open directory, neither AT_FDCWD
// nor O_PATH, which cannot be synced; `name` is one plain name.
Result<void> replace_file(int dir, const char* name, std::string_view contents, mode_t mode,
                          std::optional<FileOwner> owner = std::nullopt);

// Whether replace_file() could write so many bytes now: writes and syncs a temporary file, and removes it.
Result<void> try_replace_file(int dir, const char* name, std::size_t bytes);

// Removes the temporary files that writers of `name` left when they were killed in replace_file(), so far as
// this process may. The caller keeps other writers of `name` away meanwhile: theirs would go, too.
void remove_left_temporaries(int dir, const char* name);

} // namespace ftpc
