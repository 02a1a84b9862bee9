#include "server/supervisor/heartbeat.hpp"

namespace ftpc::server {

Heartbeat::Verdict Heartbeat::look(const ProcessState& state)
{
    // protection: left-behind
    if (state.ending) return ++ending_looks_ >= most_ending_looks ? Verdict::leave : Verdict::wait;
    if (answered_) {
        *this = {};
        return Verdict::ask;
    }
    ++silent_looks_;
    const bool too_long = silent_looks_ > most_silent_looks && !state.traced;
    return too_long ? Verdict::kill : Verdict::wait;
}

} // namespace ftpc::server
