#include "server/admin/check_time.hpp"

#include "server/admin/in_force.hpp"
#include "server/admin/login_report.hpp"
#include "server/auth/state/penalty_table.hpp"
#include "server/clock/clock.hpp"
#include "server/listening/listening_addresses.hpp"
#include "server/listening/listening_sockets.hpp"

#include <array>
#include <utility>

namespace ftpc::server {

namespace {

// The names of one service, and its addresses.
struct TimeDoor {
    const char* setting;
    const char* does; // "does not ..."
    SocketKind kind;
    std::vector<std::string> Settings::*wanted;
    std::vector<std::string> ServerStatus::*served;
};
constexpr std::array doors{
    TimeDoor{"listen-ntp", "answer NTP", SocketKind::ntp, &Settings::listen_ntp, &ServerStatus::ntp},
    TimeDoor{"listen-time-text", "answer formats with the time", SocketKind::time_text,
             &Settings::listen_time_text, &ServerStatus::time_text},
};

constexpr std::chrono::minutes recently{10};

ListeningCheck check_addresses(const Arguments& arguments, const TimeDoor& door)
{
    std::vector<std::string> in_use;
    for (const ServerStatus& server : running_servers_meant(arguments))
        in_use.insert(in_use.end(), (server.*door.served).begin(), (server.*door.served).end());
    return check_listening_addresses(arguments.settings.*door.wanted, in_use, door.kind);
}

void add(std::vector<Problem>& problems, const TimeDoor& door, const std::vector<UnusableAddress>& unusable)
{
    for (const UnusableAddress& address : unusable)
        problems.push_back({door.setting, address.words()});
}

bool follows_kernel(const Settings& settings)
{
    return !settings.listen_ntp.empty() && settings.time_source == TimeSource::kernel;
}

void check_clock(const Settings& settings, std::vector<Problem>& problems)
{
    if (!follows_kernel(settings) || read_kernel_clock().synchronised) return;
    problems.push_back({"time-source",
                        "the kernel says that nothing synchronises this machine's clock, so NTP's clients "
                        "do not take the time from here; run a program that does (chronyd), or set "
                        "time-source = local if this clock is the standard of its room"});
}

std::string process_of(const ServerStatus& server)
{
    return "the running server (process " + std::to_string(server.pid) + ")";
}

void check_doors(const Settings& settings, const ServerStatus& server, std::vector<Problem>& problems)
{
    for (const TimeDoor& door : doors)
        if (!(settings.*door.wanted).empty() && (server.*door.served).empty())
            problems.push_back({door.setting, process_of(server) + " does not " + door.does +
                                                  "; restart it to put this setting into force"});
}

// The two services cannot have one address.
void check_clash(const Settings& settings, std::vector<Problem>& problems)
{
    for (const ListeningAddress& ntp : plan_listening(settings.listen_ntp).addresses)
        for (const ListeningAddress& text : plan_listening(settings.listen_time_text).addresses)
            if (overlap(ntp, text))
                return problems.push_back(
                    {"listen-time-text", UnusableAddress{text.text(), "listen-ntp has " + ntp.text() +
                                                                          ", so give one another port"}
                                             .words()});
}

// No problem: anybody can cause it.
std::string words_about_limit(const ServerStatus& server)
{
    const TimeLimitHits& hits = server.time_limit_hits;
    const auto last = Moment{std::chrono::seconds{hits.last_time}};
    if (hits.requests == 0 || system_now() - last > recently) return {};
    return "time: " + process_of(server) + " left " + std::to_string(hits.requests) +
           " requests without an answer (rate limited), since an address may ask 16 times a second; the last "
           "came from " +
           hits.last_peer + " at " + utc_time_text(hits.last_time);
}

} // namespace

std::vector<Problem> time_problems(const Arguments& arguments)
{
    std::vector<Problem> problems;
    if (!arguments.settings.serves_time()) return problems;
    for (const TimeDoor& door : doors) {
        const ListeningCheck check = check_addresses(arguments, door);
        add(problems, door, check.problems);
        if (!check.any_usable) add(problems, door, check.left_out);
    }
    check_clash(arguments.settings, problems);
    check_clock(arguments.settings, problems);
    for (const ServerStatus& server : running_servers_meant(arguments))
        check_doors(arguments.settings, server, problems);
    return problems;
}

std::vector<std::string> describe_time(const Arguments& arguments)
{
    std::vector<std::string> lines;
    for (const TimeDoor& door : doors)
        for (const UnusableAddress& address : check_addresses(arguments, door).left_out)
            lines.push_back("left out: " + address.words());
    if (follows_kernel(arguments.settings))
        lines.push_back("NTP: the kernel's clock is synchronised, and wrong by " +
                        std::to_string(read_kernel_clock().max_error.count()) + " us at most");
    else if (!arguments.settings.listen_ntp.empty())
        lines.emplace_back("NTP: this machine's clock is the standard (time-source = local)");
    for (const ServerStatus& server : running_servers_meant(arguments))
        if (std::string words = words_about_limit(server); !words.empty()) lines.push_back(std::move(words));
    return lines;
}

} // namespace ftpc::server
