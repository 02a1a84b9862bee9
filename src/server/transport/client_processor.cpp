#include "server/transport/client_processor.hpp"

#include <sys/socket.h>

#include <utility>

namespace ftpc::server {

namespace {

constexpr unsigned waits_between_looks = 32;

} // namespace

int ClientProcessor::look(int socket)
{
    if (++waits_ % waits_between_looks != 0) return -1;
    int processor = -1;
    socklen_t size = sizeof processor;
    if (::getsockopt(socket, SOL_SOCKET, SO_INCOMING_CPU, &processor, &size) != 0) return -1;
    return std::exchange(seen_, processor) == processor ? processor : -1;
}

} // namespace ftpc::server
