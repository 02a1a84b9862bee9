// The files of auth in the data directory.
#pragma once

#include "server/config/settings.hpp"
#include "shared/files/file.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ftpc::server {

// The files in DATA, open as `data`, that auth may not read or replace, with the commands that mend them. A
// file that is missing, or no plain file, is another problem. `auth`: the user of auth; empty: this
// process's.
std::vector<Problem> find_data_problems(int data, const std::string& path,
                                        const std::optional<FileOwner>& auth);

} // namespace ftpc::server
