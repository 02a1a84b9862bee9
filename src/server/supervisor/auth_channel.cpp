#include "server/supervisor/auth_channel.hpp"

#include "server/ipc/channel.hpp"
#include "server/log/log.hpp"

namespace ftpc::server {

void AuthChannel::connect(const Child& auth, const Child& net)
{
    lost_ = false;
    if (!auth.serves() || !net.serves()) return;
    const auto [for_auth, for_net] = ipc::make_channel();
    const int auth_end = for_auth.get();
    const int net_end = for_net.get();
    const ipc::Connect order{++number_};
    connected_at_ = Clock::now();
    auth.send(order, {&auth_end, 1});
    net.send(order, {&net_end, 1});
}

void AuthChannel::replace_if_lost(const Child& auth, const Child& net)
{
    if (Clock::now() < due()) return;
    if (auth.serves() && net.serves()) log_event("channel-replaced");
    connect(auth, net);
}

} // namespace ftpc::server
