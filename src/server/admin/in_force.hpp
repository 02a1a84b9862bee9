// Compares the files that a command reads or changes with those of the running server; describes differences
// for the administrator.
#pragma once

#include "server/config/command_line.hpp"
#include "server/running/running_servers.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ftpc::server {

// Pure. One problem for each server that is meant and has another DATA open, or else another tree. `tree`:
// none if the command has nothing to do with it, or could not open it.
std::vector<Problem> find_differences(const std::vector<ServerStatus>& running, const CommandScope& scope,
                                      const std::optional<OpenedDirectory>& tree);

// The running servers that `arguments` mean, with DATA as the command has opened it.
CommandScope command_scope(const Arguments& arguments, const OpenedDirectory& data);

// Asks the running servers. Empty if none runs.
std::vector<Problem> differences_from_running_servers(const Arguments& arguments, const OpenedDirectory& data,
                                                      const std::optional<OpenedDirectory>& tree);

// The same for a command that could not open the DATA of this path, or the tree of that one.
std::vector<Problem> differences_of_path(const std::string& data, const std::string& tree = {});

// The running servers that `arguments` mean.
std::vector<ServerStatus> running_servers_meant(const Arguments& arguments);

// One problem for each running server whose clients see another fingerprint than this one, of `file`.
std::vector<Problem> servers_with_other_key(const Arguments& arguments, const std::string& file,
                                            const std::string& fingerprint);

// "process 7, version 0.1.0, since 2026-11-29T10:15:00Z, on [::]:2121, key SHA256:..., auth 8, net 9"
std::string describe_running(const ServerStatus& server);

// The running servers that `arguments` mean, each in such words.
std::vector<std::string> describe_running_servers(const Arguments& arguments);

// Prints each as a line on standard error.
void print_problems(const std::vector<Problem>& problems);

} // namespace ftpc::server
