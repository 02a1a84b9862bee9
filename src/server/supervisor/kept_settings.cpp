#include "server/supervisor/kept_settings.hpp"

namespace ftpc::server {

std::string keep_until_next_start(const Settings& in_force, Settings& settings)
{
    std::string names;
    const auto keep = [&](const auto& old_value, auto& new_value, const char* name) {
        if (old_value == new_value) return;
        new_value = old_value;
        names.append(names.empty() ? "" : ", ").append(name);
    };
    keep(in_force.data, settings.data, "data");
    keep(in_force.root, settings.root, "root");
    keep(in_force.listen, settings.listen, "listen");
    keep(in_force.passive_ports, settings.passive_ports, "passive-ports");
    keep(in_force.net_user, settings.net_user, "net-user");
    keep(in_force.auth_user, settings.auth_user, "auth-user");
    keep(in_force.time_user, settings.time_user, "time-user");
    keep(in_force.listen_ntp, settings.listen_ntp, "listen-ntp");
    keep(in_force.listen_time_text, settings.listen_time_text, "listen-time-text");
    keep(in_force.time_zone, settings.time_zone, "time-zone");
    keep(in_force.reactors, settings.reactors, "reactors");
    keep(in_force.lockdown, settings.lockdown, "lockdown");
    keep(in_force.lockdown_debug, settings.lockdown_debug, "lockdown-debug");
    return names;
}

} // namespace ftpc::server
