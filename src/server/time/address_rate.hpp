// How often an address may ask for the time. Its memory is taken once: sources of datagrams can be forged,
// and any number of them may come.
#pragma once

#include "server/ipc/peer_network.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

namespace ftpc::server {

class AddressRate {
public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr unsigned a_second = 16;
    static constexpr unsigned burst = 64;
    static constexpr std::size_t remembered = 16384; // addresses

    // `secret`: random, so that nobody can choose addresses that push each other out, or count as one.
    using Secret = std::array<std::uint64_t, 2>;
    explicit AddressRate(const Secret& secret) : secret_{secret}, sets_(remembered / ways) {}

    // Whether a request that comes now is within the bounds of its network. Counts it if it is.
    bool pass(const PeerNetwork& network, Time now);

private:
    // The time at which the network may have `burst` requests again. Each request moves it on (the generic
    // cell rate algorithm, ITU-T I.371).
    struct Entry {
        std::uint64_t hash = 0; // stands for the network: that of another one is the same once in 2^64
        Time rested{};
    };
    // A network stands in the one set that its hash chooses. If the set is full, the network that has asked
    // least is forgotten: an address that is flooded stays.
    static constexpr std::size_t ways = 8;
    struct alignas(64) Set {
        std::array<Entry, ways> entries;
    };

    std::uint64_t hash_of(const PeerNetwork& network) const;
    Entry& entry_of(std::uint64_t hash);

    Secret secret_;
    std::vector<Set> sets_;
};

} // namespace ftpc::server
