#include "server/transport/admission.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace ftpc::server {

std::string_view setting_name(Bound bound)
{
    switch (bound) {
    case Bound::connections:
        return "max-connections";
    case Bound::connections_per_address:
        return "max-connections-per-address";
    case Bound::unauthenticated:
        return "max-unauthenticated";
    case Bound::sessions_per_user:
        return "max-sessions-per-user";
    }
    return {};
}

// Seeded from the system's generator: a client cannot foresee which connection has to go.
Admission::Random Admission::random_below()
{
    std::random_device seed;
    const auto engine = std::make_shared<std::mt19937_64>(std::uint64_t{seed()} << 32 | seed());
    return [engine](std::size_t below) {
        return std::uniform_int_distribution<std::size_t>{0, below - 1}(*engine);
    };
}

Admission::Admission(AdmissionBounds bounds, Random random) : bounds_{bounds}, random_{std::move(random)} {}

std::size_t Admission::HashNetwork::operator()(const PeerNetwork& network) const
{
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(network.data()), network.size()});
}

void Admission::set_bounds(const AdmissionBounds& bounds)
{
    const std::scoped_lock lock{mutex_};
    bounds_ = bounds;
}

std::size_t Admission::connections() const
{
    const std::scoped_lock lock{mutex_};
    return connections_.size();
}

std::size_t Admission::take_most_connections()
{
    const std::scoped_lock lock{mutex_};
    return std::exchange(most_connections_, connections_.size());
}

std::size_t Admission::unauthenticated() const
{
    const std::scoped_lock lock{mutex_};
    return unauthenticated_;
}

// ---- coming and going

Admission::Arrival Admission::arrive(ConnectionId newcomer, const PeerNetwork& network)
{
    const std::scoped_lock lock{mutex_};
    Entry& entry = connections_[newcomer];
    entry.network = &network_at(network);
    ++entry.network->connections;
    add_unauthenticated(newcomer, entry);
    most_connections_ = std::max(most_connections_, connections_.size());
    // protection: connection-bounds
    const auto bound = exceeded(*entry.network);
    if (!bound) return {};
    const Network* from = *bound == Bound::connections_per_address ? entry.network : most_unauthenticated();
    return {sacrifice_one_of(*from), *bound};
}

std::optional<Bound> Admission::exceeded(const Network& network) const
{
    if (network.connections > bounds_.connections_per_address) return Bound::connections_per_address;
    if (unauthenticated_ > bounds_.unauthenticated) return Bound::unauthenticated;
    if (connections_.size() > bounds_.connections) return Bound::connections;
    return std::nullopt;
}

std::optional<ConnectionId> Admission::make_room()
{
    const std::scoped_lock lock{mutex_};
    const Network* const network = most_unauthenticated();
    if (network == nullptr) return std::nullopt;
    return sacrifice_one_of(*network);
}

ConnectionId Admission::sacrifice_one_of(const Network& network)
{
    const ConnectionId leaves = draw(network);
    remove(leaves);
    leaving_.insert(leaves);
    return leaves;
}

void Admission::leave(ConnectionId connection)
{
    const std::scoped_lock lock{mutex_};
    if (!remove(connection)) leaving_.erase(connection);
}

std::size_t Admission::leaving() const
{
    const std::scoped_lock lock{mutex_};
    return leaving_.size();
}

bool Admission::remove(ConnectionId connection)
{
    const auto found = connections_.find(connection);
    if (found == connections_.end()) return false;
    Entry& entry = found->second;
    entry.user.empty() ? remove_unauthenticated(entry) : end_session(entry.user);
    if (--entry.network->connections == 0) networks_.erase(PeerNetwork{entry.network->address});
    connections_.erase(found);
    return true;
}

// ---- sessions

Admission::LogIn Admission::log_in(ConnectionId connection, std::string_view user)
{
    const std::scoped_lock lock{mutex_};
    const auto found = connections_.find(connection);
    if (found == connections_.end()) return LogIn::gone;
    end_login(connection, found->second);
    std::string name{user};
    const auto sessions = sessions_.find(name);
    // protection: sessions-per-user
    if (sessions != sessions_.end() && sessions->second >= bounds_.sessions_per_user)
        return LogIn::too_many_sessions;
    remove_unauthenticated(found->second);
    trust(*found->second.network);
    ++sessions_[name];
    found->second.user = std::move(name);
    return LogIn::done;
}

void Admission::log_out(ConnectionId connection)
{
    const std::scoped_lock lock{mutex_};
    const auto found = connections_.find(connection);
    if (found != connections_.end()) end_login(connection, found->second);
}

void Admission::end_login(ConnectionId connection, Entry& entry)
{
    if (entry.user.empty()) return;
    end_session(entry.user);
    entry.user.clear();
    add_unauthenticated(connection, entry);
}

void Admission::end_session(const std::string& user)
{
    const auto sessions = sessions_.find(user);
    if (--sessions->second == 0) sessions_.erase(sessions);
}

// ---- networks, ranked by their connections that are not logged in

Admission::Network& Admission::network_at(const PeerNetwork& address)
{
    const auto [place, is_new] = networks_.try_emplace(address);
    Network& network = place->second;
    if (!is_new) return network;
    network.address = address;
    network.trusted = trusted_.contains(address);
    return network;
}

// By lot if several have as many.
Admission::Network* Admission::most_unauthenticated()
{
    if (ranks_.empty()) return nullptr;
    return ranks_.back()[random_(ranks_.back().size())];
}

ConnectionId Admission::draw(const Network& network)
{
    return network.unauthenticated[random_(network.unauthenticated.size())];
}

void Admission::add_unauthenticated(ConnectionId connection, Entry& entry)
{
    leave_rank(*entry.network);
    entry.place = entry.network->unauthenticated.size();
    entry.network->unauthenticated.push_back(connection);
    enter_rank(*entry.network);
    ++unauthenticated_;
}

// The last takes the place that becomes free.
void Admission::remove_unauthenticated(Entry& entry)
{
    leave_rank(*entry.network);
    auto& waiting = entry.network->unauthenticated;
    waiting[entry.place] = waiting.back();
    connections_.at(waiting.back()).place = entry.place;
    waiting.pop_back();
    enter_rank(*entry.network);
    --unauthenticated_;
}

void Admission::trust(Network& network)
{
    if (!trusted_.insert(network.address).second) return;
    leave_rank(network);
    network.trusted = true;
    enter_rank(network);
    trusted_in_order_.push_back(network.address);
    if (trusted_in_order_.size() <= most_trusted) return;
    trusted_.erase(trusted_in_order_.front()); // existing connections keep their places
    trusted_in_order_.pop_front();
}

std::size_t Admission::rank_of(const Network& network)
{
    const std::size_t number = network.unauthenticated.size();
    return network.trusted && number <= spared ? 0 : number;
}

void Admission::enter_rank(Network& network)
{
    if (network.unauthenticated.empty()) return;
    const std::size_t rank = rank_of(network);
    if (ranks_.size() <= rank) ranks_.resize(rank + 1);
    network.place = ranks_[rank].size();
    ranks_[rank].push_back(&network);
}

void Admission::leave_rank(Network& network)
{
    if (network.unauthenticated.empty()) return;
    auto& rank = ranks_[rank_of(network)];
    rank[network.place] = rank.back();
    rank[network.place]->place = network.place;
    rank.pop_back();
    while (!ranks_.empty() && ranks_.back().empty())
        ranks_.pop_back();
}

} // namespace ftpc::server
