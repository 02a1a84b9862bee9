#include "server/supervisor/announcement.hpp"

#include "server/log/log.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <vector>

namespace ftpc::server {

namespace {

std::string joined(const std::vector<std::string>& addresses)
{
    std::string text;
    for (const std::string& address : addresses)
        text += (text.empty() ? "" : " and ") + address;
    return text;
}

} // namespace

std::string describe_lockdown(std::span<const Child> children)
{
    std::string text;
    const auto add = [&](const std::string& whose, const ipc::Ready& report) {
        const std::string start = "ftpcd: lockdown" + whose + ": ";
        text += start + printable(report.lockdown) + "\n";
        std::istringstream missing{report.lockdown_missing};
        for (std::string line; std::getline(missing, line);)
            text += start + printable(line) + "\n";
    };
    const ipc::Ready& one = children.front().first_report();
    const bool same = std::all_of(children.begin(), children.end(), [&](const Child& child) {
        return child.first_report().lockdown == one.lockdown &&
               child.first_report().lockdown_missing == one.lockdown_missing;
    });
    if (same) add("", one);
    if (same) return text;
    for (const Child& child : children)
        add(" of " + child.role().name, child.first_report());
    return text;
}

void announce(const Arguments& arguments, const ServerStatus& status, std::span<const Child> children)
{
    std::uint64_t users = 0;
    for (const Child& child : children)
        users += child.first_report().users; // only auth has any
    std::string text = "ftpcd: listening on " + joined(status.listening) + ", tree " +
                       arguments.settings.root_directory() + ", " + std::to_string(users) +
                       (users == 1 ? " user\n" : " users\n");
    // "certificate SHA256" stays in it: scripts that start a server wait for that.
    text += "ftpcd: key fingerprint of the certificate " + status.fingerprint +
            " (show it to your users: ftpcd fingerprint" + arguments.flags_for_certificate() + ")\n";
    if (!status.ntp.empty()) text += "ftpcd: NTP on " + joined(status.ntp) + " (UDP)\n";
    if (!status.time_text.empty()) text += "ftpcd: time as text on " + joined(status.time_text) + " (UDP)\n";
    text += describe_lockdown(children);
    if (users == 0)
        text += "ftpcd: nobody can log in yet; add a user with: ftpcd user add NAME" +
                arguments.flags_for_users() + "\n";
    if (arguments.settings.log_format == LogFormat::logfmt) {
        std::cerr << text << std::flush;
        return;
    }
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        log_event("started", {{"text", line.substr(line.find(' ') + 1)}});
}

} // namespace ftpc::server
