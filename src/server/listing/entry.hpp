// One file or directory, as a listing shows it.
#pragma once

#include <cstdint>
#include <string>

namespace ftpc::server {

enum class EntryKind { directory, file, other }; // other: a FIFO, socket or device

struct Entry {
    std::string
        name{}; // without slashes; of what is looked up by a path: the last part of it, "" for the home
    EntryKind kind = EntryKind::other;
    std::uint64_t size = 0;    // bytes
    std::int64_t modified = 0; // seconds since 1970, UTC; before that, negative
    std::uint32_t mode = 0;    // st_mode of stat(2), the kind included
    std::uint64_t links = 0;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

} // namespace ftpc::server
