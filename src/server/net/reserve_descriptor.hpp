// A descriptor kept back for the time when there are no more: with it a client that cannot be served is still
// told so, instead of waiting in the queue of the listening socket, which would announce it for ever.
#pragma once

#include "shared/unique_fd.hpp"

#include <string_view>

namespace ftpc::server {

class ReserveDescriptor {
public:
    // The reserve is a second descriptor of `copied`: nothing has to be opened for it.
    explicit ReserveDescriptor(int copied);

    // Gives the reserve up, accepts the next client of `listening`, says `words` to it, closes, and takes the
    // reserve again. False: the descriptor went elsewhere; waiting is all that is left.
    bool turn_away_next(int listening, std::string_view words);

private:
    int copied_;
    UniqueFd reserve_;
};

} // namespace ftpc::server
