#include "server/storage/tree_sync.hpp"

#include "shared/base/unique_fd.hpp"
#include "shared/files/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

namespace ftpc::server {

namespace {

constexpr std::size_t most_cleared = 4096;
constexpr int most_tries = 8;    // of a sync, while others fail
constexpr int most_above = 1024; // levels, should somebody go on moving directories

class KernelSync final : public FileSystemSync {
public:
    error_code sync_directory(int fd) override { return ftpc::sync_directory(fd); }
    error_code sync_file_system(int fd) override { return ftpc::sync_file_system(fd); }
};

// Nothing reaches a directory that may not be read.
error_code unreadable()
{
    return {EACCES, boost::system::system_category()};
}

} // namespace

std::unique_ptr<FileSystemSync> make_file_system_sync()
{
    return std::make_unique<KernelSync>();
}

TreeSync::TreeSync(Directory root, std::unique_ptr<FileSystemSync> sync)
    : root_{std::move(root)}, root_id_{directory_id(root_->fd.get())}, sync_{std::move(sync)}
{}

error_code TreeSync::sync(const Parents& parents, std::size_t most_parents)
{
    const Failures failures = sync(std::vector{&parents}, most_parents);
    return failures.empty() ? error_code{} : failures.front().second;
}

TreeSync::Failures TreeSync::sync(const std::vector<const Parents*>& parents, std::size_t most_parents)
{
    Failures failures;
    for (const Group& group : groups(parents))
        if (const error_code failure = sync_group(group, most_parents))
            failures.emplace_back(group.front().device, failure);
    return failures;
}

error_code TreeSync::failure_of(const Parents& parents, const Failures& failures)
{
    for (const auto& [device, failure] : failures)
        for (const Parents::Entry& entry : parents)
            if (entry.directory->file_system.device == device) return failure;
    return {};
}

// Each directory once, by file system. The same one may be open many times, once in every session that works
// in it.
std::vector<TreeSync::Group> TreeSync::groups(const std::vector<const Parents*>& parents)
{
    Group all;
    for (const Parents* const some : parents)
        for (const auto& [directory, whole] : *some)
            all.push_back({directory->file_system.device, directory_id(directory->fd.get()),
                           directory->can_sync, directory->file_system.syncs_as_a_whole, whole,
                           directory->fd.get()});
    // Those that can be synced first, so that they are the ones kept, and with them whether it is all of it.
    const auto key = [](const Parent& p) { return std::tuple{p.device, p.id, !p.can_sync}; };
    std::sort(all.begin(), all.end(), [&](const Parent& a, const Parent& b) { return key(a) < key(b); });
    std::vector<Group> found;
    for (const Parent& parent : all) {
        if (found.empty() || found.back().front().device != parent.device) found.emplace_back();
        Group& group = found.back();
        if (!group.empty() && group.back().id == parent.id)
            group.back().whole = group.back().whole || parent.whole;
        else
            group.push_back(parent);
    }
    return found;
}

error_code TreeSync::sync_group(const Group& group, std::size_t most_parents)
{
    const dev_t device = group.front().device;
    const auto needs_whole = [](const Parent& parent) { return parent.whole || !parent.can_sync; };
    const bool as_a_whole =
        group.size() > most_parents || std::any_of(group.begin(), group.end(), needs_whole);
    // The kernel tells of a failure once, and perhaps another thread. So a sync during which another one has
    // failed says nothing and is made again.
    for (int tries = 0; tries < most_tries; ++tries) {
        const std::uint64_t failed = failed_syncs(device);
        const bool doubted = tries > 0 || is_doubted(device);
        error_code failure;
        if (group.front().syncs_as_a_whole)
            failure = doubted || as_a_whole ? sync_as_a_whole(group) : sync_one_by_one(group);
        else
            failure = doubted ? sync_with_those_above(group) : sync_one_by_one(group);
        // protection: doubt
        if (failure) begin_doubt(device, true);
        if (failure || failed_syncs(device) == failed) return failure;
    }
    return {EIO, boost::system::system_category()};
}

error_code TreeSync::sync_as_a_whole(const Group& group)
{
    const dev_t device = group.front().device;
    const auto can_sync = [](const Parent& parent) { return parent.can_sync; };
    const auto found = std::find_if(group.begin(), group.end(), can_sync);
    const bool in_tree = device == root_->file_system.device;
    if (!in_tree && found == group.end()) return unreadable();
    const std::uint64_t begun = begun_doubts(device);
    const error_code failure = sync_->sync_file_system(in_tree ? root_->fd.get() : found->fd);
    if (!failure) end_doubt(device, begun);
    return failure;
}

// Parents behind a failure are written as well.
error_code TreeSync::sync_one_by_one(const Group& group)
{
    error_code result;
    for (const Parent& parent : group) {
        const error_code failure = parent.can_sync ? sync_->sync_directory(parent.fd) : unreadable();
        if (failure) result = failure;
    }
    return result;
}

error_code TreeSync::sync_with_those_above(const Group& group)
{
    const std::uint64_t begun = begun_doubts(group.front().device);
    error_code result = sync_one_by_one(group);
    for (const Parent& parent : group)
        if (const error_code failure = result ? error_code{} : sync_above(parent, group, begun))
            result = failure;
    return result;
}

// Up to the root of the tree or of its mount; less if that has been done since the doubt began. The
// directories of `group` have just been synced.
error_code TreeSync::sync_above(const Parent& parent, const Group& group, std::uint64_t begun)
{
    std::vector<DirectoryId> synced{parent.id};
    UniqueFd here;
    for (int i = 0; i < most_above && synced.back() != root_id_; ++i) {
        if (is_cleared(parent.device, synced.back())) break;
        const int from = here ? here.get() : parent.fd;
        UniqueFd above{::openat(from, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        // An administrator's directory that lets users through (0711): nothing of theirs is made in it.
        const bool readable = above || errno != EACCES;
        if (!readable) above = UniqueFd{::openat(from, "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
        if (!above) return last_system_error();
        const DirectoryId id = directory_id(above.get());
        if (id.device != parent.id.device || id == synced.back()) break;
        const bool done =
            std::any_of(group.begin(), group.end(), [&](const Parent& p) { return p.id == id; });
        const error_code failure = readable && !done ? sync_->sync_directory(above.get()) : error_code{};
        if (failure) return failure;
        synced.push_back(id);
        here = std::move(above);
    }
    clear(parent.device, synced, begun);
    return {};
}

// ---- doubts

void TreeSync::doubt_all()
{
    const std::scoped_lock lock{mutex_};
    for (auto& [device, doubt] : doubts_)
        // protection: unsynced-time
        doubt.begin(true);
}

void TreeSync::doubt(const Parents& parents)
{
    for (const Parents::Entry& entry : parents)
        begin_doubt(entry.directory->file_system.device, false);
}

bool TreeSync::is_doubted(dev_t device)
{
    const std::scoped_lock lock{mutex_};
    return doubts_[device].doubted;
}

std::uint64_t TreeSync::begun_doubts(dev_t device)
{
    const std::scoped_lock lock{mutex_};
    return doubts_[device].begun;
}

std::uint64_t TreeSync::failed_syncs(dev_t device)
{
    const std::scoped_lock lock{mutex_};
    return doubts_[device].failed;
}

void TreeSync::begin_doubt(dev_t device, bool after_failure)
{
    const std::scoped_lock lock{mutex_};
    doubts_[device].begin(after_failure);
}

// Unless another one has begun while the sync was under way that ends it.
void TreeSync::end_doubt(dev_t device, std::uint64_t begun)
{
    const std::scoped_lock lock{mutex_};
    Doubt& doubt = doubts_[device];
    if (doubt.begun == begun) doubt.doubted = false;
}

bool TreeSync::is_cleared(dev_t device, const DirectoryId& id)
{
    const std::scoped_lock lock{mutex_};
    return doubts_[device].cleared.contains(id);
}

void TreeSync::clear(dev_t device, const std::vector<DirectoryId>& ids, std::uint64_t begun)
{
    const std::scoped_lock lock{mutex_};
    Doubt& doubt = doubts_[device];
    if (doubt.begun != begun) return;
    if (doubt.cleared.size() >= most_cleared) doubt.cleared.clear();
    doubt.cleared.insert(ids.begin(), ids.end());
}

} // namespace ftpc::server
