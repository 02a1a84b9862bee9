// Whether the system's clock may be believed if a mistake cannot be taken back. It is believed once it has
// kept pace with the steady clock for some hours. By then a clock that was wrong at the start of a machine,
// or for a moment, has been set right. Pure: both clocks are passed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ftpc::server {

class ClockTrust {
public:
    static constexpr std::chrono::seconds needed{std::chrono::hours{6}};
    static constexpr std::chrono::seconds tolerance{std::chrono::minutes{5}};

    // Compares the clocks. True if they have gone alike since a look at least `needed` ago. `system` in
    // seconds since 1970, `steady` in seconds since any point in the past.
    bool look(std::uint64_t system, std::uint64_t steady);

private:
    struct Reading {
        std::uint64_t system;
        std::uint64_t steady;
    };
    std::optional<Reading> first_; // since which they have gone alike
};

} // namespace ftpc::server
