// A descriptor kept in reserve. If there are no others, a client that cannot be served is still told so.
// Otherwise it would stay in the queue of the listening socket, which would announce it without end.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <string_view>

namespace ftpc::server {

class ReserveDescriptor {
public:
    // The reserve is a second descriptor of `copied`, which stays open: nothing has to be opened for it. (Not
    // of a listening socket, which would live on in it.)
    explicit ReserveDescriptor(int copied);

    enum class Outcome {
        turned_away,
        nobody_waits, // accept(2) fails for want of a descriptor before it looks whether anybody is there
        failed,       // the descriptor went elsewhere; some time has to pass
    };
    // Gives the reserve up, accepts the next client of `listening`, says `words` to it, closes, and takes the
    // reserve again.
    Outcome turn_away_next(int listening, std::string_view words);

private:
    int copied_;
    UniqueFd reserve_;
};

} // namespace ftpc::server
