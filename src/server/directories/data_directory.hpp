// DATA and what is in it, with the owners that the process split needs (docs/security.md):
//
//   DATA/             as root: root, group of auth, 1770 (auth makes and replaces its own files, nobody
//   else's); else 0700
//     users.db sessions.db   auth, 0600
//     serve.lock             held while a server runs
//     trees                  which directory the tree is (supervisor/tree_marker)
//     tls/                   root (or the user), 0700
//     root/                  net, the tree
#pragma once

#include "server/config/settings.hpp"
#include "server/directories/tree_marker.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/files/file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ftpc::server {

// The system users that the children run as; empty when not started as root.
struct ServiceAccounts {
    std::optional<FileOwner> net;
    std::optional<FileOwner> auth;
};

// Throws std::runtime_error naming the missing user and the command that makes it.
ServiceAccounts find_service_accounts(const Settings& settings);

// The same of the process that tells the time; none if no setting wants it. It must be another one than
// those.
std::optional<FileOwner> find_time_account(const Settings& settings, const ServiceAccounts& others);

struct DataDirectory {
    UniqueFd data; // readable, so that it can be locked and synced
    UniqueFd tree;
    std::string tree_not_known{}; // as of recognize_tree()
};

// Opens DATA, making it and DATA/tls on first use. Throws std::runtime_error if one cannot be made or opened,
// or is not a directory. The same if others than this user, root and the auth user can change DATA.
UniqueFd open_data(const Settings& settings, const ServiceAccounts& accounts);

// Opens the tree, making it on first use. Throws std::runtime_error when it cannot be made or opened, is not
// a directory, or is not the tree that DATA remembers. Waits as long as its file system does.
void open_tree(const Settings& settings, const ServiceAccounts& accounts, DataDirectory& directory);

// Both.
DataDirectory open_data_directory(const Settings& settings, const ServiceAccounts& accounts);

// For people, and for what is in DATA.
TreePlace tree_place(const Settings& settings, int data);

// Throws std::runtime_error if the tree must not be served on its file system under these settings. Asks no
// file system.
void refuse_unsafe_tree(const Settings& settings, const DataDirectory& directory);

// The same. If it may be served, the log names the conditions of its promises, and a tree that cannot be told
// from another one.
void judge_tree(const Settings& settings, const DataDirectory& directory);

// Throws std::runtime_error when DATA, open as `fd`, can be changed by anybody else, or by less than those
// who must.
void check_data_directory(const std::string& path, int fd, const ServiceAccounts& accounts);

} // namespace ftpc::server
