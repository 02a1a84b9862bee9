// How the clock of this machine is described to NTP's clients.
#pragma once

#include "server/clock/clock.hpp"
#include "server/config/settings.hpp"
#include "server/time/ntp_packet.hpp"

namespace ftpc::server {

// With TimeSource::kernel as the kernel says, with its largest error as dispersion; `stratum`, since it does
// not know its own. A kernel that is not synchronised says so. With TimeSource::local, for the standard
// machine of a room, stratum 10 and no dispersion. `now`: when the kernel was asked.
NtpClock describe_clock(TimeSource source, unsigned stratum, const KernelClock& kernel, SystemTime now);

} // namespace ftpc::server
