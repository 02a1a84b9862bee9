#include "server/time/address_rate.hpp"

#include <algorithm>
#include <cstring>

namespace ftpc::server {

namespace {

constexpr std::chrono::steady_clock::duration interval =
    std::chrono::nanoseconds{std::chrono::seconds{1}} / AddressRate::a_second;

// The halves of a 128-bit product, mixed. As in wyhash, it is a good hash as long as the factors are secret.
std::uint64_t mix(std::uint64_t a, std::uint64_t b)
{
    __extension__ using Product = unsigned __int128;
    const Product product = static_cast<Product>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

} // namespace

bool AddressRate::pass(const PeerNetwork& network, Time now)
{
    Entry& entry = entry_of(hash_of(network));
    const Time rested = std::max(entry.rested, now);
    // protection: time-rate
    if (rested - now > (burst - 1) * interval) return false;
    entry.rested = rested + interval;
    return true;
}

std::uint64_t AddressRate::hash_of(const PeerNetwork& network) const
{
    std::array<std::uint64_t, 2> halves{};
    static_assert(sizeof halves == sizeof network);
    std::memcpy(halves.data(), network.data(), sizeof halves);
    return mix(mix(halves[0] ^ secret_[0], halves[1] ^ secret_[1]), secret_[0]);
}

AddressRate::Entry& AddressRate::entry_of(std::uint64_t hash)
{
    auto& entries = sets_[hash % sets_.size()].entries;
    Entry* rested = entries.data();
    for (Entry& entry : entries) {
        if (entry.hash == hash) return entry;
        if (entry.rested < rested->rested) rested = &entry;
    }
    *rested = {hash, {}};
    return *rested;
}

} // namespace ftpc::server
