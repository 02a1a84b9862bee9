// Tells the tree from the directory beneath it, which is there instead while the file system of the tree is
// not mounted. The tree has an identifier in a file of its own (tree_marker_name), and DATA remembers it:
//
//   DATA/trees     "IDENTIFIER PATH", a line for each path that was served; only ever appended to, under a
//                  lock; without the file every tree is a new one
//   TREE/.ftpcd-tree    "IDENTIFIER"
#pragma once

#include "shared/files/file.hpp"

#include <optional>
#include <string>

namespace ftpc::server {

inline constexpr const char* known_trees_name = "trees";
inline constexpr const char* tree_marker_name = ".ftpcd-tree"; // no home has this name

struct TreePlace {
    int data;              // DATA, open
    std::string data_path; // as people know it
    std::string root;      // the path of the tree
};

// Why the directory is not the tree that DATA remembers for that path, and what to do about it, in words.
// Empty if it is, or if none is remembered. Changes nothing. `tree`: -1 if there is no such directory.
std::string tree_problem(const TreePlace& place, int tree);

// The same, but on first use the tree is given an identifier, and DATA remembers it. Throws
// std::runtime_error with the problem. Returns why the tree cannot be told from others at the next start,
// because nothing can be written there; empty: it can. `net`: the system user that works in the tree, which
// may write where root may not (NFS with root_squash).
std::string recognize_tree(const TreePlace& place, int tree, std::optional<FileOwner> net);

} // namespace ftpc::server
