#include "server/time/ntp_packet.hpp"

#include <algorithm>
#include <limits>

namespace ftpc::server {

namespace {

constexpr unsigned mode_of_clients = 3;
constexpr unsigned mode_of_servers = 4;
constexpr unsigned oldest_version = 2; // ntplib's default
constexpr unsigned newest_version = 4;

// 2^-20 s: the kernel's time stamp of a packet is as good as a microsecond.
constexpr std::int8_t precision = -20;

// From 1 January 1900 to 1 January 1970 (RFC 5905 figure 4).
constexpr std::int64_t seconds_before_1970 = 2'208'988'800;

constexpr std::size_t place_of_poll = 2;
constexpr std::size_t place_of_root_dispersion = 8;
constexpr std::size_t place_of_reference_id = 12;
constexpr std::size_t place_of_reference = 16;
constexpr std::size_t place_of_origin = 24;
constexpr std::size_t place_of_received = 32;
constexpr std::size_t place_of_transmitted = 40;

template <class Number>
void put(NtpPacket& packet, std::size_t place, Number number)
{
    for (std::size_t i = sizeof number; i > 0; --i, number = static_cast<Number>(number >> 8))
        packet.at(place + i - 1) = static_cast<std::uint8_t>(number);
}

// NTP's short format: seconds and their fractions in 16 bits each.
std::uint32_t short_format(std::chrono::microseconds length)
{
    constexpr std::int64_t a_second = 1'000'000;
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    const std::int64_t bounded = std::clamp<std::int64_t>(length.count(), 0, 65536 * a_second);
    return static_cast<std::uint32_t>(std::min(most, ((bounded << 16) + a_second - 1) / a_second));
}

} // namespace

std::optional<NtpRequest> parse_ntp_request(std::span<const std::uint8_t> datagram)
{
    // protection: ntp-length
    if (datagram.size() != ntp_packet_bytes) return std::nullopt;
    const unsigned mode = datagram[0] & 7U;
    const unsigned version = (datagram[0] >> 3) & 7U;
    // protection: ntp-mode
    if (mode != mode_of_clients || version < oldest_version || version > newest_version) return std::nullopt;
    NtpRequest request{version, datagram[place_of_poll], {}};
    std::copy_n(datagram.begin() + place_of_transmitted, request.transmitted.size(),
                request.transmitted.begin());
    return request;
}

NtpPacket ntp_answer(const NtpRequest& request, const NtpClock& clock, SystemTime received, SystemTime sent)
{
    NtpPacket packet{};
    packet[0] = static_cast<std::uint8_t>(clock.leap << 6 | request.version << 3 | mode_of_servers);
    packet[1] = static_cast<std::uint8_t>(clock.stratum);
    packet[place_of_poll] = request.poll;
    packet[3] = static_cast<std::uint8_t>(precision);
    put(packet, place_of_root_dispersion, short_format(clock.root_dispersion));
    std::copy(clock.reference_id.begin(), clock.reference_id.end(), packet.begin() + place_of_reference_id);
    // A clock that was set back meanwhile was not right in the future.
    if (clock.reference) put(packet, place_of_reference, ntp_timestamp(std::min(*clock.reference, sent)));
    std::copy(request.transmitted.begin(), request.transmitted.end(), packet.begin() + place_of_origin);
    put(packet, place_of_received, ntp_timestamp(received));
    put(packet, place_of_transmitted, ntp_timestamp(sent));
    return packet;
}

std::uint64_t ntp_timestamp(SystemTime time)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto nanoseconds = static_cast<std::uint64_t>((time - seconds).count());
    const auto since_1900 =
        static_cast<std::uint64_t>(seconds.time_since_epoch().count() + seconds_before_1970);
    return since_1900 << 32 | (nanoseconds << 32) / 1'000'000'000U;
}

} // namespace ftpc::server
