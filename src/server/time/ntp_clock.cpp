#include "server/time/ntp_clock.hpp"

namespace ftpc::server {

namespace {

constexpr unsigned stratum_of_local = 10; // as chronyd's `local` has it: any other source is better
constexpr unsigned not_synchronised = 3;  // as leap indicator

} // namespace

NtpClock describe_clock(TimeSource source, unsigned stratum, const KernelClock& kernel, SystemTime now)
{
    // The kernel's 16 s for a clock that nobody corrects would make each client refuse it.
    if (source == TimeSource::local)
        return {.leap = 0,
                .stratum = stratum_of_local,
                .reference_id = {'L', 'O', 'C', 'L'},
                .root_dispersion = {},
                .reference = now};
    // protection: not-synchronised
    if (!kernel.synchronised)
        return {.leap = not_synchronised,
                .stratum = 0,
                .reference_id = {},
                .root_dispersion = kernel.max_error,
                .reference = {}};
    return {.leap = static_cast<unsigned>(kernel.leap),
            .stratum = stratum,
            .reference_id = {'K', 'E', 'R', 'N'},
            .root_dispersion = kernel.max_error,
            .reference = now};
}

} // namespace ftpc::server
