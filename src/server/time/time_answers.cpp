#include "server/time/time_answers.hpp"

#include <utility>

namespace ftpc::server {

namespace {

// Services that answer anything (echo, chargen, time, DNS) have low ports. An answer to a forged
// request from there could come back as the next request. NTP's own port is 123, and many of its clients use
// it, too.
constexpr std::uint16_t lowest_port_of_ntp_clients = 123;
constexpr std::uint16_t lowest_port_of_text_clients = 1024;

std::string_view text_of(std::span<const std::uint8_t> bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

TimeAnswers::TimeAnswers(const AddressRate::Secret& secret, Lot is_lucky)
    : ntp_rate_{secret}, text_rate_{secret}, is_lucky_{std::move(is_lucky)}
{}

std::optional<NtpPacket> TimeAnswers::to_ntp(const TimeRequest& request, SystemTime sent, Time now)
{
    // protection: ntp-ports
    if (request.port < lowest_port_of_ntp_clients) return std::nullopt;
    const auto asked = parse_ntp_request(request.bytes);
    if (!asked) return std::nullopt;
    // Some are answered all the same: somebody who forges the address of a client cannot mute it.
    // protection: ntp-rate
    if (!note(ntp_rate_.pass(network_of(request.peer), now) || is_lucky_(), request)) return std::nullopt;
    return ntp_answer(*asked, clock_, request.received, sent);
}

std::string_view TimeAnswers::to_text(const TimeRequest& request, SystemTime sent, Time now, TimeText& text)
{
    // protection: time-text-ports
    if (request.port < lowest_port_of_text_clients) return {};
    const std::string_view format = time_format_in(text_of(request.bytes));
    // protection: time-text-rate
    if (format.empty() || !note(text_rate_.pass(network_of(request.peer), now), request)) return {};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(sent).time_since_epoch().count();
    return write_time(format, max_time_text_bytes(request.bytes.size()), seconds, text);
}

bool TimeAnswers::note(bool is_answered, const TimeRequest& request)
{
    if (is_answered) return true;
    ++limit_hits_.count;
    limit_hits_.last = network_of(request.peer);
    return false;
}

} // namespace ftpc::server
