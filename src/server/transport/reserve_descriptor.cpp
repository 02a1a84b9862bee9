#include "server/transport/reserve_descriptor.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace ftpc::server {

ReserveDescriptor::ReserveDescriptor(int copied)
    : copied_{copied}, reserve_{::fcntl(copied, F_DUPFD_CLOEXEC, 0)}
{}

ReserveDescriptor::Outcome ReserveDescriptor::turn_away_next(int listening, std::string_view words)
{
    reserve_.reset();
    UniqueFd client{::accept(listening, nullptr, nullptr)};
    Outcome outcome = Outcome::turned_away;
    if (!client) outcome = errno == EAGAIN ? Outcome::nobody_waits : Outcome::failed;
    if (client) ::send(client.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    client.reset();
    reserve_ = UniqueFd{::fcntl(copied_, F_DUPFD_CLOEXEC, 0)};
    return outcome;
}

} // namespace ftpc::server
