#include "server/supervisor/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace ftpc::server {

namespace {

// Descriptors that a process has open without a connection, and those that a few sessions need.
constexpr rlim_t least_descriptors = 48;
constexpr rlim_t descriptors_of_reactor = 2;

rlim_t needed_descriptors(const Settings& settings)
{
    const unsigned reactors =
        settings.reactors != 0 ? settings.reactors : std::max(1U, std::thread::hardware_concurrency());
    const unsigned ports = 1U + settings.passive_ports.last - settings.passive_ports.first;
    return least_descriptors + descriptors_of_reactor * reactors + settings.listen.size() * (1U + ports);
}

} // namespace

void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string descriptor_problem(const Settings& settings)
{
    rlimit limit{};
    const rlim_t needed = needed_descriptors(settings);
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= needed) return {};
    return "a process may have " + std::to_string(limit.rlim_max) +
           " descriptors, and the server needs at least " + std::to_string(needed) +
           "; raise the limit (LimitNOFILE= of the unit, ulimit -Hn) to three times the connections that it "
           "is to have";
}

} // namespace ftpc::server
