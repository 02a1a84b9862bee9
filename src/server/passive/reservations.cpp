#include "server/passive/reservations.hpp"

#include "shared/base/error.hpp"

namespace ftpc::server {

Result<Reservation> Reservations::reserve(std::span<const std::size_t> ports, const ipc::PeerAddress& peer,
                                          OnConnected on_connected,
                                          const std::function<void(std::size_t port)>& before)
{
    auto waits = std::make_shared<OnConnected>(std::move(on_connected));
    for (std::size_t tried = 0; tried < ports.size(); ++tried) {
        const Key key{ports[turn_++ % ports.size()], peer};
        if (is_waiting(key)) continue;
        before(key.first);
        const std::scoped_lock lock{mutex_};
        if (waiting_.emplace(key, waits).second) return Reservation{*this, key, std::move(waits)};
    }
    return Errc::no_passive_port;
}

bool Reservations::is_waiting(const Key& key)
{
    const std::scoped_lock lock{mutex_};
    return waiting_.contains(key);
}

UniqueFd Reservations::hand_over(std::size_t port, const ipc::PeerAddress& peer, UniqueFd socket)
{
    std::shared_ptr<OnConnected> waits;
    {
        const std::scoped_lock lock{mutex_};
        const auto found = waiting_.find({port, peer});
        // protection: no-reservation
        if (found == waiting_.end()) return socket;
        waits = std::move(found->second);
        waiting_.erase(found);
    }
    (*waits)(std::move(socket));
    return {};
}

Reservation::~Reservation()
{
    if (all_ == nullptr) return;
    const std::scoped_lock lock{all_->mutex_};
    const auto found = all_->waiting_.find(key_);
    if (found != all_->waiting_.end() && found->second == on_connected_) all_->waiting_.erase(found);
}

} // namespace ftpc::server
