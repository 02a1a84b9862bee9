// Counts recent failures by key, in bounded memory. One failure is forgotten in a fixed time; beyond a free
// number each costs a penalty twice as long as the one before. Pure: the time is passed in.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ftpc::server {

// By the system's clock, since it is kept over restarts. A clock that was set back costs nobody more than the
// longest penalty.
using Moment = std::chrono::sys_time<std::chrono::milliseconds>;
// 1970 for a clock that is set to before: the files that keep moments have no negative ones.
Moment system_now();

struct PenaltyRule {
    unsigned free = 10;                       // failures without a penalty; 0: nothing is counted
    std::chrono::milliseconds forget{600000}; // one failure is forgotten in this time
    std::chrono::milliseconds first{60000};   // the penalty of the first that is not free
    std::chrono::milliseconds longest{3600000};
};

class PenaltyTable {
public:
    // A network, or the result of account_key() for a name.
    using Key = std::array<std::uint8_t, 16>;

    PenaltyTable(std::size_t capacity, const PenaltyRule& rule) : capacity_{capacity}, rule_{rule} {}

    // For later failures; earlier counts stay.
    void set_rule(const PenaltyRule& rule) { rule_ = rule; }

    // Counts a failure of `key` at `cause`. A full table forgets the key that would be forgotten first
    // anyway: keys with one failure each drive out one another, not those with many.
    void fail(const Key& key, const Key& cause, Moment now);

    // Takes back the failures of `key` at `cause`, as far as that is among its latest causes.
    void forgive(const Key& key, const Key& cause, Moment now);

    // How many failures are not forgotten yet.
    unsigned failures(const Key& key, Moment now);

    // How long the penalty is that so many failures cost.
    std::chrono::milliseconds penalty(unsigned failures) const;

    // When the penalty ends that the last failure cost; `now` or earlier: there is none.
    Moment penalty_end(const Key& key, Moment now);

    std::size_t size() const { return entries_.size(); }

    struct Saved {
        Key key;
        Moment forgotten; // all of its failures
        Moment penalty_end;
        friend bool operator==(const Saved&, const Saved&) = default;
    };
    // At most `most`, those first that are forgotten last.
    std::vector<Saved> save(std::size_t most, Moment now) const;
    void restore(const Saved& saved, Moment now);

    // `saved` without any time that lies further ahead than a count of `now` can: a clock that was ahead has
    // added it.
    Saved bounded(const Saved& saved, Moment now) const;

private:
    struct Part {
        Key cause{};
        unsigned failures = 0;
    };
    struct Entry {
        Moment forgotten;
        Moment penalty_end;
        std::array<Part, 4> parts{};
    };
    struct KeyHash {
        std::uint64_t seed;
        std::size_t operator()(const Key& key) const;
    };

    unsigned most_failures() const;
    Entry& entry_of(const Key& key, Moment now);
    void set_forgotten(const Key& key, Entry& entry, Moment forgotten);
    void erase(const Key& key);
    void bound(const Key& key, Entry& entry, Moment now);
    void follow_clock(Moment now);

    std::size_t capacity_;
    PenaltyRule rule_;
    std::unordered_map<Key, Entry, KeyHash> entries_{0, KeyHash{random_seed()}};
    std::set<std::pair<Moment, Key>> by_forgotten_;
    Moment now_{}; // when anything was asked last

    static std::uint64_t random_seed();
};

} // namespace ftpc::server
