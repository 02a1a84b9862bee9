// The home and the working directory of a client, and the calls on them. A connection makes these on the
// event loop, or copies its place and hands them to a worker.
#pragma once

#include "server/ftp/session/session.hpp"
#include "server/storage/quota.hpp"
#include "server/storage/tree.hpp"
#include "server/storage/tree_sync.hpp"
#include "server/storage/weak_map.hpp"
#include "server/storage/workers.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace ftpc::server {

struct ClientDirectories {
    Directory home; // null: no user is logged in
    Directory working_directory;
    std::shared_ptr<HomeQuota> quota;
    std::uint64_t max_dirs = 0; // 0: any number
    Workers::Lane counting;     // for Blocking::to_count
    Workers::Lane waiting;      // for Blocking::any
};

struct OpenedHome {
    Directory directory;
    DirectoryId id{};
    bool on_own_disk = false; // on a local file system, also if all calls are handed over
};

// Fails as Tree::open_home, with Errc::would_wait unless `blocking` is Blocking::any.
Result<OpenedHome> open_home(const Tree& tree, std::string_view home, Blocking blocking);

// The lane for opening `home` when that has to wait.
Workers::Lane lane_of_home(const Tree& tree, std::string_view home);

// The homes of the sessions. Sessions in the same home share its quota, and a descriptor if all reach it
// through the same mount.
struct Homes {
    WeakMap<DirectoryId, HomeQuota> quotas;
    WeakMap<DirectoryId, const OpenDirectory> directories;
};

// The place of a session that has just logged in. From any thread.
ClientDirectories client_directories(const OpenedHome& home, Homes& homes);

// How many parents a session there may hold until they are synced. The sessions of a home share
// most_parents_of_home, down to one for each.
std::size_t most_parents(const ClientDirectories& place);
constexpr std::size_t most_parents_of_home = 128;

// `asked`: when the command came. `recent`, `sync`: as in MakeTerms. Fails as Tree::make_in, make and
// make_with_parents.
MkdirResult make_directories(const Tree& tree, const ClientDirectories& place, const MakeDirectory& request,
                             HomeQuota::Clock::time_point asked, Blocking blocking,
                             RecentParent* recent = nullptr, TreeSync* sync = nullptr);
MkdirResult make_directories(const Tree& tree, const ClientDirectories& place, const MakePath& request,
                             HomeQuota::Clock::time_point asked, Blocking blocking,
                             RecentParent* recent = nullptr, TreeSync* sync = nullptr);
} // namespace ftpc::server
