#include "server/ftp/commands/server_time.hpp"

#include "server/clock/clock.hpp"

namespace ftpc::server {

namespace {

ServerTime::State state_of(TimeSource source, const KernelClock& clock)
{
    if (source == TimeSource::local) return ServerTime::State::local;
    return clock.synchronised ? ServerTime::State::synchronised : ServerTime::State::unsynchronised;
}

} // namespace

// The steady clock was read with the bytes of the command. To read this clock then, too, would cost every
// command something.
ServerTime server_time(TimeSource source, std::chrono::steady_clock::time_point arrived)
{
    const KernelClock clock = read_kernel_clock();
    const auto waited = std::chrono::steady_clock::now() - arrived;
    const auto now = std::chrono::system_clock::now();
    const bool is_standard = source == TimeSource::local;
    return {.received = now.time_since_epoch() - waited,
            .sent = now.time_since_epoch(),
            .state = state_of(source, clock),
            .max_error = is_standard ? std::chrono::microseconds{} : clock.max_error,
            .zone_offset = zone_offset(std::chrono::system_clock::to_time_t(now))};
}

} // namespace ftpc::server
