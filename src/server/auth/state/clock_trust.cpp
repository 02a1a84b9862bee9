#include "server/auth/state/clock_trust.hpp"

namespace ftpc::server {

bool ClockTrust::look(std::uint64_t system, std::uint64_t steady)
{
    if (first_) {
        const std::uint64_t passed = steady - first_->steady;
        const std::uint64_t expected = first_->system + passed;
        const std::uint64_t apart = system > expected ? system - expected : expected - system;
        if (apart <= static_cast<std::uint64_t>(tolerance.count()))
            return passed >= static_cast<std::uint64_t>(needed.count());
    }
    first_ = {system, steady};
    return false;
}

} // namespace ftpc::server
