// The servers of this user that run now, and which of them a command is about.
#pragma once

#include "server/running/server_status.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace ftpc::server {

struct RunningServers {
    std::vector<ServerStatus> answered;
    std::vector<pid_t> silent; // did not answer in time: stopped, or about to end
};

// Asks all servers with a socket in these directories, for two seconds in all. Sockets that dead servers left
// are removed.
RunningServers ask_running_servers(const std::vector<std::string>& directories);

// The servers that a command compares with.
struct CommandScope {
    OpenedDirectory data;    // that it has opened
    std::string config_file; // whose setting `data` it follows, absolute; empty: none, or --data was given
};

// Those that have the command's DATA open, or have opened what its path, or real path, named then. If there
// is none of these: those that read the same settings file.
std::vector<ServerStatus> servers_meant(const std::vector<ServerStatus>& running, const CommandScope& scope);

// Throws std::runtime_error that names the process if one of these servers has `data` open, or has opened it
// by the same path. Two servers of one path would share its users and its certificate.
void refuse_if_served(const std::vector<ServerStatus>& running, const OpenedDirectory& data);

// The path or real path of one is that of the other.
bool have_path_in_common(const OpenedDirectory& one, const OpenedDirectory& other);

} // namespace ftpc::server
