#include "server/listing/look_up.hpp"

namespace ftpc::server {

namespace {

EntryKind kind_of(mode_t mode)
{
    if (S_ISDIR(mode)) return EntryKind::directory;
    return S_ISREG(mode) ? EntryKind::file : EntryKind::other;
}

} // namespace

void set_facts(Entry& entry, const struct stat& status)
{
    entry.kind = kind_of(status.st_mode);
    entry.size = status.st_size < 0 ? 0 : static_cast<std::uint64_t>(status.st_size);
    entry.modified = status.st_mtim.tv_sec;
    entry.mode = status.st_mode;
    entry.links = status.st_nlink;
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
}

Result<Entry> look_up(const Tree& tree, const Directory& home, const RemotePath& path, Blocking blocking)
{
    const auto status = tree.status(home, path.relative(), blocking);
    if (!status) return status.error();
    Entry entry{.name = std::string{path.name()}};
    set_facts(entry, *status);
    return entry;
}

} // namespace ftpc::server
