#include "server/admin/in_force.hpp"

#include "server/admin/login_report.hpp"
#include "server/directories/serve_lock.hpp"
#include "server/running/runtime_directory.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <iostream>
#include <utility>

namespace ftpc::server {

namespace {

// "the running server (process 7) has another directory open, ..."
std::string what_it_has_open(const ServerStatus& server, const OpenedDirectory& its,
                             const OpenedDirectory& ours, const std::string& setting)
{
    const std::string has = "the running server (process " + std::to_string(server.pid) + ") has ";
    if (have_path_in_common(its, ours))
        return has +
               "another directory open, which had this name when it started (it was replaced or mounted "
               "over, or a link was switched)";
    return has + its.path + " open instead, as it was started with another setting " + setting;
}

Problem data_differs(const ServerStatus& server, const OpenedDirectory& ours)
{
    return {ours.path, what_it_has_open(server, server.data, ours, "data") +
                           "; this directory has no effect until you restart that server"};
}

Problem tree_differs(const ServerStatus& server, const OpenedDirectory& ours)
{
    return {ours.path, what_it_has_open(server, server.tree, ours, "root") +
                           "; its users do not work in this tree until you restart that server with it"};
}

bool follows_config_for_data(const Arguments& arguments)
{
    return std::none_of(arguments.setting_flags.begin(), arguments.setting_flags.end(),
                        [](const SettingValue& flag) { return flag.name == "data"; });
}

} // namespace

std::vector<Problem> find_differences(const std::vector<ServerStatus>& running, const CommandScope& scope,
                                      const std::optional<OpenedDirectory>& tree)
{
    std::vector<Problem> problems;
    for (const ServerStatus& server : servers_meant(running, scope)) {
        // protection: other-data
        // protection: other-tree
        if (server.data.identity != scope.data.identity)
            problems.push_back(data_differs(server, scope.data));
        else if (tree && server.tree.identity != tree->identity)
            problems.push_back(tree_differs(server, *tree));
    }
    return problems;
}

CommandScope command_scope(const Arguments& arguments, const OpenedDirectory& data)
{
    return {data,
            follows_config_for_data(arguments) ? absolute_path(arguments.config_file()) : std::string{}};
}

namespace {

// Somebody else has made the directory, perhaps to keep a difference from being noticed.
void add_those_unusable(std::vector<Problem>& problems)
{
    for (const std::string& directory : runtime_directories())
        if (const auto opened = open_runtime_directory(directory);
            !opened && opened.error() != boost::system::errc::no_such_file_or_directory)
            problems.push_back({directory, "running servers cannot be asked: " + opened.error().message() +
                                               "; remove it, and send SIGHUP to the server"});
}

// One that is stopped, for instance. It does not matter if a server holds the lock of this very DATA.
void add_those_silent(std::vector<Problem>& problems, const RunningServers& running,
                      const OpenedDirectory& data)
{
    if (running.silent.empty() || is_served(data.path)) return;
    for (const pid_t pid : running.silent)
        problems.push_back({data.path, "the running server (process " + std::to_string(pid) +
                                           ") does not say whether it has this directory open"});
}

} // namespace

std::vector<Problem> differences_from_running_servers(const Arguments& arguments, const OpenedDirectory& data,
                                                      const std::optional<OpenedDirectory>& tree)
{
    const RunningServers running = ask_running_servers(runtime_directories());
    auto problems = find_differences(running.answered, command_scope(arguments, data), tree);
    add_those_unusable(problems);
    add_those_silent(problems, running, data);
    return problems;
}

std::vector<Problem> differences_of_path(const std::string& data, const std::string& tree)
{
    const CommandScope scope{describe_now(data), {}};
    const auto found_tree = tree.empty() ? std::nullopt : std::optional{describe_now(tree)};
    return find_differences(ask_running_servers(runtime_directories()).answered, scope, found_tree);
}

std::vector<ServerStatus> running_servers_meant(const Arguments& arguments)
{
    const CommandScope scope = command_scope(arguments, describe_now(arguments.settings.data));
    return servers_meant(ask_running_servers(runtime_directories()).answered, scope);
}

std::vector<Problem> servers_with_other_key(const Arguments& arguments, const std::string& file,
                                            const std::string& fingerprint)
{
    std::vector<Problem> problems;
    for (const ServerStatus& server : running_servers_meant(arguments))
        if (server.fingerprint != fingerprint)
            problems.push_back({file, "the running server (process " + std::to_string(server.pid) +
                                          ") shows another key, " + server.fingerprint +
                                          "; restart that server to put this one into force"});
    return problems;
}

namespace {

// " BEFORE one and another"; empty if there are none.
std::string listed(const char* before, const std::vector<std::string>& addresses)
{
    std::string text;
    for (const std::string& address : addresses)
        text += std::exchange(before, " and ") + address;
    return text;
}

} // namespace

std::string describe_running(const ServerStatus& server)
{
    std::string text = "process " + std::to_string(server.pid) + ", version " + server.version + ", since " +
                       utc_time_text(server.started);
    text += listed(", on ", server.listening) + listed(", NTP on ", server.ntp) +
            listed(", time as text on ", server.time_text);
    text += ", key " + server.fingerprint;
    for (const RunningChild& child : server.children)
        text += ", " + child.name + " " + (child.pid == 0 ? "not running" : std::to_string(child.pid));
    return text;
}

std::vector<std::string> describe_running_servers(const Arguments& arguments)
{
    std::vector<std::string> lines;
    for (const ServerStatus& server : running_servers_meant(arguments))
        lines.push_back(describe_running(server));
    return lines;
}

void print_problems(const std::vector<Problem>& problems)
{
    for (const Problem& problem : problems)
        std::cerr << "ftpcd: " << printable(problem.where) << ": " << printable_lines(problem.what)
                  << "\n"; // names in it are escaped already
}

} // namespace ftpc::server
