// The processor on which the packets of one client arrive. A thread that serves the client there is woken up,
// and wakes the client up, without an interrupt of another processor.
#pragma once

namespace ftpc::server {

class ClientProcessor {
public:
    // To be called before each wait for a command; asks the kernel now and then (SO_INCOMING_CPU, socket(7)).
    // The processor, if the last two answers agree; -1 if not, or if there is nothing new.
    int look(int socket);

private:
    unsigned waits_ = 0;
    int seen_ = -1;
};

} // namespace ftpc::server
