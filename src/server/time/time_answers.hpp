// Decides which datagram gets which answer: NTP's, or that of the text service. Plain values, no sockets.
#pragma once

#include "server/ipc/peer_network.hpp"
#include "server/time/address_rate.hpp"
#include "server/time/ntp_packet.hpp"
#include "server/time/time_text.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace ftpc::server {

struct TimeRequest {
    std::span<const std::uint8_t> bytes;
    ipc::PeerAddress peer{};
    std::uint16_t port = 0; // of the peer
    SystemTime received;
};

// Requests that were left without an answer since they were beyond the bound of their address. Counted since
// the process started.
struct LimitHits {
    std::uint64_t count = 0;
    PeerNetwork last{}; // the address of the last one
    friend bool operator==(const LimitHits&, const LimitHits&) = default;
};

class TimeAnswers {
public:
    using Time = AddressRate::Time;

    // `is_lucky`: true for a quarter of its calls, by random choice.
    using Lot = std::function<bool()>;
    TimeAnswers(const AddressRate::Secret& secret, Lot is_lucky);

    void set_clock(const NtpClock& clock) { clock_ = clock; }

    // The answer to a request, `sent` at that time; none: there is none. `now` is for the bounds.
    std::optional<NtpPacket> to_ntp(const TimeRequest& request, SystemTime sent, Time now);
    // In `text`; empty: there is none.
    std::string_view to_text(const TimeRequest& request, SystemTime sent, Time now, TimeText& text);

    const LimitHits& limit_hits() const { return limit_hits_; }

private:
    // Counts a request that is not answered. Returns `is_answered`.
    bool note(bool is_answered, const TimeRequest& request);

    NtpClock clock_;
    AddressRate ntp_rate_;
    AddressRate text_rate_;
    Lot is_lucky_;
    LimitHits limit_hits_;
};

} // namespace ftpc::server
