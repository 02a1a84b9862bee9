#include "server/ipc/control.hpp"

#include "server/ipc/wire.hpp"
#include "shared/base/error.hpp"

namespace ftpc::server::ipc {

namespace {

enum class Kind : std::uint8_t {
    configure = 1,
    connect = 2,
    stop = 3,
    ping = 4,
    ready = 65,
    failed = 66,
    alive = 67,
    channel_lost = 68
};

// A text field counts its bytes in 16 bits, which holds settings, certificate chains and keys.
constexpr std::size_t max_text_bytes = std::size_t{32} * 1024;
constexpr std::size_t max_lockdown_bytes = 1024;

void write_kind(PacketWriter& out, Kind kind)
{
    out.u8(static_cast<std::uint8_t>(kind));
}

} // namespace

SecretText encode(const Order& order)
{
    PacketWriter out;
    if (const auto* configure = std::get_if<Configure>(&order)) {
        write_kind(out, Kind::configure);
        out.text(configure->settings, max_text_bytes);
        out.text(configure->certificate_pem, max_text_bytes);
        out.text(view(configure->key_pem), max_text_bytes);
        out.text(view(configure->pepper), max_text_bytes);
    } else if (const auto* connect = std::get_if<Connect>(&order)) {
        write_kind(out, Kind::connect);
        out.u32(connect->number);
    } else {
        write_kind(out, std::holds_alternative<Stop>(order) ? Kind::stop : Kind::ping);
    }
    return out.take();
}

SecretText encode(const Report& report)
{
    PacketWriter out;
    if (const auto* ready = std::get_if<Ready>(&report)) {
        write_kind(out, Kind::ready);
        out.u64(ready->users);
        out.text(ready->lockdown, max_lockdown_bytes);
        out.text(ready->lockdown_missing, max_lockdown_bytes);
    } else if (const auto* failed = std::get_if<Failed>(&report)) {
        write_kind(out, Kind::failed);
        out.text(std::string_view{failed->reason}.substr(0, max_text_bytes), max_text_bytes);
    } else if (const auto* lost = std::get_if<ChannelLost>(&report)) {
        write_kind(out, Kind::channel_lost);
        out.u32(lost->number);
    } else {
        write_kind(out, Kind::alive);
    }
    return out.take();
}

Result<Order> decode_order(std::span<const char> packet)
{
    PacketReader in{packet};
    Order order;
    switch (static_cast<Kind>(in.u8())) {
    case Kind::configure: {
        Configure configure;
        configure.settings = in.text(max_text_bytes);
        configure.certificate_pem = in.text(max_text_bytes);
        configure.key_pem = secret_text(in.text(max_text_bytes));
        configure.pepper = secret_text(in.text(max_text_bytes));
        order = std::move(configure);
        break;
    }
    case Kind::connect:
        order = Connect{in.u32()};
        break;
    case Kind::stop:
        order = Stop{};
        break;
    case Kind::ping:
        order = Ping{};
        break;
    default:
        return Errc::bad_message;
    }
    if (!in.complete()) return Errc::bad_message;
    return order;
}

Result<Report> decode_report(std::span<const char> packet)
{
    PacketReader in{packet};
    Report report;
    switch (static_cast<Kind>(in.u8())) {
    case Kind::ready: {
        Ready ready;
        ready.users = in.u64();
        ready.lockdown = in.text(max_lockdown_bytes);
        ready.lockdown_missing = in.text(max_lockdown_bytes);
        report = std::move(ready);
        break;
    }
    case Kind::failed:
        report = Failed{std::string{in.text(max_text_bytes)}};
        break;
    case Kind::alive:
        report = Alive{};
        break;
    case Kind::channel_lost:
        report = ChannelLost{in.u32()};
        break;
    default:
        return Errc::bad_message;
    }
    if (!in.complete()) return Errc::bad_message;
    return report;
}

} // namespace ftpc::server::ipc
