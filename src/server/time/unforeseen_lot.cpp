#include "server/time/unforeseen_lot.hpp"

#include "shared/crypto/digest.hpp"

namespace ftpc::server {

bool UnforeseenLot::one_of_four()
{
    if (used_ == lots_of_byte * random_.size()) {
        fill_random(random_);
        used_ = 0;
    }
    const unsigned byte = random_.at(used_ / lots_of_byte);
    const unsigned lot = byte >> (2 * (used_ % lots_of_byte)) & 3U;
    ++used_;
    return lot == 0;
}

} // namespace ftpc::server
