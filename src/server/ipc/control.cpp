#include "server/ipc/control.hpp"

#include "server/ipc/wire.hpp"

namespace ftpc::server::ipc {

namespace {

constexpr std::uint8_t first_order = 1;
constexpr std::uint8_t first_report = 65;

// A text field counts its bytes in 16 bits, which holds settings, certificate chains and keys.
constexpr std::size_t max_text_bytes = std::size_t{32} * 1024;
constexpr std::size_t max_lockdown_bytes = 1024;
constexpr std::size_t max_peer_bytes = 64;

// The fields of each message, to be written or read.
struct Fields {
    void operator()(auto& packet, Is<Configure> auto& m) const
    {
        packet.text(m.settings, max_text_bytes);
        packet.text(m.certificate_pem, max_text_bytes);
        packet.text(m.key_pem, max_text_bytes);
        packet.text(m.pepper, max_text_bytes);
        packet.field(m.first_sockets);
    }
    void operator()(auto& packet, Is<Connect> auto& m) const { packet.field(m.number); }
    void operator()(auto&, Is<Stop> auto&) const {}
    void operator()(auto&, Is<Ping> auto&) const {}

    void operator()(auto& packet, Is<Ready> auto& m) const
    {
        packet.field(m.users);
        packet.text(m.lockdown, max_lockdown_bytes);
        packet.text(m.lockdown_missing, max_lockdown_bytes);
    }
    void operator()(auto& packet, Is<Failed> auto& m) const { packet.text(m.reason, max_text_bytes); }
    void operator()(auto&, Is<Alive> auto&) const {}
    void operator()(auto& packet, Is<ChannelLost> auto& m) const { packet.field(m.number); }
    void operator()(auto& packet, Is<TimeLimitHit> auto& m) const
    {
        packet.field(m.requests);
        packet.text(m.peer, max_peer_bytes);
    }
};

} // namespace

SecretText encode(const Order& order)
{
    return encode_message(order, first_order, Fields{});
}

SecretText encode(const Report& report)
{
    if (const auto* failed = std::get_if<Failed>(&report); failed && failed->reason.size() > max_text_bytes)
        return encode(Report{Failed{failed->reason.substr(0, max_text_bytes)}});
    return encode_message(report, first_report, Fields{});
}

Result<Order> decode_order(std::span<const char> packet)
{
    return decode_message<Order>(packet, first_order, Fields{});
}

Result<Report> decode_report(std::span<const char> packet)
{
    return decode_message<Report>(packet, first_report, Fields{});
}

} // namespace ftpc::server::ipc
