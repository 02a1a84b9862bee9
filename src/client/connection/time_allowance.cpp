#include "client/connection/time_allowance.hpp"

#include <algorithm>

namespace ftpc::client {

TimeAllowance::Clock::duration TimeAllowance::left() const
{
    return std::max(state_->limit - state_->used, Clock::duration::zero());
}

} // namespace ftpc::client
