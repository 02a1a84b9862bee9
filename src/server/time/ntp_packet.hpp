// The packets of NTP version 4 (RFC 5905 §7.3), as far as a server needs them. Plain values.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace ftpc::server {

using SystemTime = std::chrono::sys_time<std::chrono::nanoseconds>;

inline constexpr std::size_t ntp_packet_bytes = 48;
using NtpPacket = std::array<std::uint8_t, ntp_packet_bytes>;

// The parts of a client's request that its answer repeats.
struct NtpRequest {
    unsigned version = 0;
    std::uint8_t poll = 0;
    std::array<std::uint8_t, 8> transmitted{}; // a time stamp, or any number that the client chose
    friend bool operator==(const NtpRequest&, const NtpRequest&) = default;
};

// A packet of mode 3 and version 2 to 4, exactly 48 bytes long. None: it gets no answer.
std::optional<NtpRequest> parse_ntp_request(std::span<const std::uint8_t> datagram);

// The fields that describe the clock of the server.
struct NtpClock {
    unsigned leap = 3;                  // the leap indicator: 3 is not synchronised
    unsigned stratum = 0;               // 0 is not synchronised
    std::array<char, 4> reference_id{}; // with stratum 0 a kiss code (RFC 5905 §7.4), or zeros for none
    std::chrono::microseconds root_dispersion{}; // told in 1/65536 s: rounded up, at most 65536 s
    std::optional<SystemTime> reference;         // when the clock was last known to be right; none: never
    friend bool operator==(const NtpClock&, const NtpClock&) = default;
};

// The answer, of mode 4. `received`, `sent`: the time stamps of the request and of this answer.
NtpPacket ntp_answer(const NtpRequest& request, const NtpClock& clock, SystemTime received, SystemTime sent);

// Seconds since 1900 in the upper half, modulo 2^32 (RFC 5905 §6): era 1 begins in 2036. Fractions of a
// second in the lower half.
std::uint64_t ntp_timestamp(SystemTime time);

} // namespace ftpc::server
