#include "server/ftp/commands/client_directories.hpp"

#include "server/storage/count_directories.hpp"
#include "shared/base/error.hpp"
#include "shared/files/file_system.hpp"

#include <algorithm>
#include <functional>
#include <string>

namespace ftpc::server {

namespace {

// Odd for lanes that only count, even for those that wait.
std::uint64_t lane_key(std::uint64_t device, std::uint64_t inode, bool counting)
{
    constexpr std::uint64_t spread = 0x9E3779B97F4A7C15;
    return (device * spread + inode) << 1 | (counting ? 1U : 0U);
}

// Whether calls beneath `one` have the same results as beneath `other`, which is the same
// directory.
bool serves_as(const OpenDirectory& one, const OpenDirectory& other)
{
    return one.can_sync == other.can_sync && one.local == other.local &&
           on_same_mount(one.fd.get(), other.fd.get());
}

// The result of `make` with the place's terms.
template <class Make>
MkdirResult with_terms(const ClientDirectories& place, HomeQuota::Clock::time_point asked, Blocking blocking,
                       RecentParent* recent, TreeSync* sync, Make make)
{
    Allowance allowance;
    Tree::Terms terms{
        .blocking = blocking, .recent = recent, .most_parents = most_parents(place), .sync = sync};
    if (place.max_dirs != 0) {
        allowance = {place.quota, place.max_dirs, asked};
        terms.allowance = &allowance;
    }
    return make(terms);
}

} // namespace

Result<OpenedHome> open_home(const Tree& tree, std::string_view home, Blocking blocking)
{
    auto directory = tree.open_home(home, blocking);
    if (!directory) return directory.error();
    const bool on_own_disk = is_local_file_system((*directory)->fd.get());
    const DirectoryId id = directory_id((*directory)->fd.get());
    return OpenedHome{std::move(*directory), id, on_own_disk};
}

Workers::Lane lane_of_home(const Tree& tree, std::string_view home)
{
    const std::uint64_t which = tree.on_own_disk() ? std::hash<std::string_view>{}(home) : 0;
    return {.key = which << 1, .local = false};
}

ClientDirectories client_directories(const OpenedHome& home, Homes& homes)
{
    const Directory& own = home.directory;
    const Directory directory = homes.directories.share(
        home.id, [&own] { return own; },
        [&own](const OpenDirectory& other) { return serves_as(other, *own); });
    const auto new_quota = [&directory] {
        return std::make_shared<HomeQuota>([directory] { return count_directories(directory->fd.get()); });
    };
    // Sessions on a file system that is not local wait together; elsewhere only a mount in the home can hang.
    // protection: homes-apart
    const ino_t hangs_alone = home.on_own_disk ? home.id.inode : 0;
    return {.home = directory,
            .working_directory = directory,
            .quota = homes.quotas.share(home.id, new_quota, [](const HomeQuota&) { return true; }),
            .counting = {.key = lane_key(home.id.device, home.id.inode, true), .local = true},
            .waiting = {.key = lane_key(home.id.device, hangs_alone, false), .local = false}};
}

// A quota lives as long as a session in its home; one at work on a thread counts twice.
std::size_t most_parents(const ClientDirectories& place)
{
    const auto sessions = static_cast<std::size_t>(std::max(place.quota.use_count(), 1L));
    return std::clamp<std::size_t>(most_parents_of_home / sessions, 1, Parents::most_of_session);
}

MkdirResult make_directories(const Tree& tree, const ClientDirectories& place, const MakeDirectory& request,
                             HomeQuota::Clock::time_point asked, Blocking blocking, RecentParent* recent,
                             TreeSync* sync)
{
    MkdirResult result = with_terms(place, asked, blocking, recent, sync, [&](const Tree::Terms& terms) {
        return request.in_working_directory
                   ? tree.make_in(place.working_directory, request.path.name(), terms)
                   : tree.make(place.home, request.path, terms);
    });
    if (!result.failure) return result;
    // A client asks again after a lost reply or a 451. To it 521 means that the directory is there, so it
    // must be on disk, too.
    if (result.failure == Errc::directory_exists && !request.path.is_home()) {
        const auto parent = request.in_working_directory
                                ? Result<Directory>{place.working_directory}
                                : tree.open_parent(place.home, request.path, blocking, recent);
        if (!parent)
            result.failure = parent.error();
        else
            result.parents.add(*parent, most_parents(place));
    }
    return result;
}

MkdirResult make_directories(const Tree& tree, const ClientDirectories& place, const MakePath& request,
                             HomeQuota::Clock::time_point asked, Blocking blocking, RecentParent* recent,
                             TreeSync* sync)
{
    return with_terms(place, asked, blocking, recent, sync, [&](const Tree::Terms& terms) {
        return tree.make_with_parents(place.home, request.path, terms);
    });
}

} // namespace ftpc::server
