// Admits and expels connections: counts connections by network and sessions by user, against their bounds.
// Decides and counts only; no sockets, no clock. For any thread.
#pragma once

#include "server/ipc/peer_network.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace ftpc::server {

using ConnectionId = std::uint64_t; // never given twice by one process; ties the lines of the log together

// A bound that was reached, named in the log as its setting is.
enum class Bound { connections, connections_per_address, unauthenticated, sessions_per_user };
std::string_view setting_name(Bound bound);

struct AdmissionBounds {
    std::size_t connections = 0;
    std::size_t connections_per_address = 0; // IPv4 address or /64 of IPv6
    std::size_t unauthenticated = 0;         // connections that are not logged in
    std::size_t sessions_per_user = 0;       // connections that are
};

// If a bound leaves no room for one more connection, one unauthenticated connection has to go. It is drawn by
// lot from the network with most of them, the newcomer among them: an attacker with all places cannot keep
// others out. Logged-in connections are never sacrificed.
class Admission {
public:
    static constexpr std::size_t spared = 4;          // connections of a network that has logged in before
    static constexpr std::size_t most_trusted = 4096; // such networks; one more, and the oldest is forgotten

    // A number from 0 to `below` - 1, each as likely.
    using Random = std::function<std::size_t(std::size_t below)>;

    explicit Admission(AdmissionBounds bounds, Random random = random_below());

    // Lower bounds end nothing that is there; one has to go for each that comes until they are kept.
    void set_bounds(const AdmissionBounds& bounds);

    struct Arrival {
        std::optional<ConnectionId> leaves; // the newcomer, or another; to be ended at once
        Bound bound{};                      // why, if one must leave
    };
    Arrival arrive(ConnectionId newcomer, const PeerNetwork& network);

    // The one to be sacrificed if something else has run out; as in Arrival. None: all are logged in.
    std::optional<ConnectionId> make_room();

    enum class LogIn {
        done,
        too_many_sessions, // of the user: it is not logged in any more
        gone,              // the connection has had to go; it will be ended
    };
    LogIn log_in(ConnectionId connection, std::string_view user);
    void log_out(ConnectionId connection);

    // Its descriptor is closed, or about to be.
    void leave(ConnectionId connection);

    // How many have to go and have not left yet. They are not among the others, but have their descriptors:
    // the bounds hold if nobody is let in meanwhile.
    std::size_t leaving() const;

    std::size_t connections() const;
    std::size_t take_most_connections(); // that there were since the last call
    std::size_t unauthenticated() const;

private:
    struct Network {
        PeerNetwork address{};
        std::size_t connections = 0;
        std::vector<ConnectionId> unauthenticated;
        std::size_t place = 0; // in its rank
        bool trusted = false;  // somebody has logged in from there
    };
    struct Entry {
        Network* network;
        std::size_t place = 0; // in network->unauthenticated, if it is not logged in
        std::string user;      // empty: not logged in
    };
    struct HashNetwork {
        std::size_t operator()(const PeerNetwork& network) const;
    };

    static Random random_below();
    Network& network_at(const PeerNetwork& address);
    std::optional<Bound> exceeded(const Network& network) const;
    Network* most_unauthenticated();
    ConnectionId draw(const Network& network);
    ConnectionId sacrifice_one_of(const Network& network);
    bool remove(ConnectionId connection);
    void end_login(ConnectionId connection, Entry& entry);
    void add_unauthenticated(ConnectionId connection, Entry& entry);
    void remove_unauthenticated(Entry& entry);
    void trust(Network& network);
    static std::size_t rank_of(const Network& network);
    void enter_rank(Network& network);
    void leave_rank(Network& network);
    void end_session(const std::string& user);

    mutable std::mutex mutex_; // of all that follows
    AdmissionBounds bounds_;
    Random random_;
    std::size_t unauthenticated_ = 0;
    std::size_t most_connections_ = 0;
    std::unordered_map<ConnectionId, Entry> connections_;            // without those that have to go
    std::unordered_set<ConnectionId> leaving_;                       // those
    std::unordered_map<PeerNetwork, Network, HashNetwork> networks_; // none is without connections
    std::unordered_map<std::string, std::size_t> sessions_;          // by user, none is 0
    std::unordered_set<PeerNetwork, HashNetwork> trusted_;
    std::deque<PeerNetwork> trusted_in_order_; // the oldest first
    // Those with n unauthenticated connections are in ranks_[n], and those that are spared in ranks_[0]; the
    // last rank is not empty.
    std::vector<std::vector<Network*>> ranks_;
};

} // namespace ftpc::server
