// The facts of one file or directory. Nothing is opened for reading: a FIFO or device notices nothing.
#pragma once

#include "server/listing/entry.hpp"
#include "server/storage/tree.hpp"
#include "shared/base/result.hpp"
#include "shared/protocol/remote_path.hpp"

#include <sys/stat.h>

namespace ftpc::server {

// Of what `path` names beneath `home`; a link inside the home counts as its target. Fails as Tree::open, but
// for ENOTDIR only within the path.
Result<Entry> look_up(const Tree& tree, const Directory& home, const RemotePath& path, Blocking blocking);

// All of `entry` but its name.
void set_facts(Entry& entry, const struct stat& status);

} // namespace ftpc::server
