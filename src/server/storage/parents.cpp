#include "server/storage/parents.hpp"

#include "shared/files/file_system.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace ftpc::server {

namespace {

// Without waiting for its file system.
DirectoryId identity(const OpenDirectory& directory)
{
    return directory.id ? *directory.id : directory_id(directory.fd.get());
}

} // namespace

FileSystem file_system_of(int fd)
{
    struct stat status {};
    ::fstat(fd, &status);
    return {status.st_dev, syncs_as_a_whole(fd)};
}

DirectoryId directory_id(int fd)
{
    struct stat status {};
    ::fstat(fd, &status); // cannot fail on a descriptor that is open
    return {status.st_dev, status.st_ino};
}

void Parents::add(const Directory& parent, std::size_t most)
{
    push({parent, false}, most);
}

void Parents::add(const Parents& others, std::size_t most)
{
    for (const Entry& entry : others)
        push(entry, most);
}

// Pipelined MKDs mostly share their parent.
void Parents::push(const Entry& entry, std::size_t most)
{
    if (!entries_.empty() && entries_.back().directory == entry.directory && !entry.whole) return;
    if (has_whole(entry.directory->file_system.device)) return;
    entries_.push_back(entry);
    if (entries_.size() <= most) return;
    forget_repeated();
    // protection: few-parents
    if (entries_.size() > most) take_wholes();
}

bool Parents::has_whole(dev_t device) const
{
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return entry.whole && entry.directory->file_system.device == device;
    });
}

// The same directory may be open many times; one that can be synced is kept.
void Parents::forget_repeated()
{
    boost::container::small_vector<DirectoryId, most_of_session + 1> known;
    Entries kept;
    for (Entry& entry : entries_) {
        const DirectoryId own = identity(*entry.directory);
        const auto found = std::find(known.begin(), known.end(), own);
        if (found == known.end()) {
            known.push_back(own);
            kept.push_back(std::move(entry));
        } else {
            Entry& same = kept[static_cast<std::size_t>(found - known.begin())];
            same.whole = same.whole || entry.whole;
            if (entry.directory->can_sync && !same.directory->can_sync)
                same.directory = std::move(entry.directory);
        }
    }
    entries_ = std::move(kept);
}

void Parents::take_wholes()
{
    Entries kept;
    for (Entry& entry : entries_) {
        const FileSystem& own = entry.directory->file_system;
        const auto same = std::find_if(kept.begin(), kept.end(), [&](const Entry& other) {
            return other.whole && other.directory->file_system.device == own.device;
        });
        if (same == kept.end()) {
            entry.whole = entry.whole || own.syncs_as_a_whole;
            kept.push_back(std::move(entry));
        } else if (entry.directory->can_sync && !same->directory->can_sync) {
            same->directory = std::move(entry.directory);
        }
    }
    entries_ = std::move(kept);
}

} // namespace ftpc::server
