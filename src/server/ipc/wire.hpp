// Writing and reading the fields of a packet: integers most significant byte first, texts with a two-byte
// length. Writer and reader have the same functions, so that one list of fields serves both.
#pragma once

#include "shared/base/error.hpp"
#include "shared/crypto/secret.hpp"

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/mp11/algorithm.hpp>

namespace ftpc::server::ipc {

template <class T>
concept Enum = std::is_enum_v<T>;

class PacketWriter {
public:
    void field(std::unsigned_integral auto value) { number(value, sizeof value); }
    void field(Enum auto value) { field(static_cast<std::underlying_type_t<decltype(value)>>(value)); }
    void field(std::span<const std::uint8_t> value);
    void field(const std::optional<std::uint64_t>& value) { fields(value.has_value(), value.value_or(0)); }
    void fields(const auto&... values) { (field(values), ...); }

    // These throw std::length_error when `value` has more than `most` bytes, or elements.
    void text(std::string_view value, std::size_t most);
    void text(const SecretText& value, std::size_t most) { text(view(value), most); }
    template <class T>
    void list(const std::vector<T>& values, std::uint8_t most, auto fields_of)
    {
        if (values.size() > most) throw std::length_error{"too many for a message between processes"};
        field(static_cast<std::uint8_t>(values.size()));
        for (const T& value : values)
            fields_of(value);
    }

    SecretText take() { return std::move(packet_); }

private:
    void number(std::uint64_t value, std::size_t size);

    SecretText packet_;
};

// Reads beyond the end give zeros and make ok() false for good, so that a decoder may check once at its end.
class PacketReader {
public:
    explicit PacketReader(std::span<const char> packet) : rest_{packet} {}

    template <std::unsigned_integral T>
    void field(T& value)
    {
        value = static_cast<T>(number(sizeof value));
    }
    void field(bool& value); // 0 or 1, anything else is not ok
    template <Enum T>
    void field(T& value)
    {
        value = static_cast<T>(number(sizeof value)); // of any number: the decoder has to check it
    }
    void field(std::span<std::uint8_t> out);
    void field(std::optional<std::uint64_t>& value); // a flag and a number, which is 0 if there is none
    void fields(auto&... values) { (field(values), ...); }

    std::string_view text(std::size_t most);
    void text(std::string& value, std::size_t most) { value = text(most); }
    void text(SecretText& value, std::size_t most) { value = secret_text(text(most)); }
    template <class T>
    void list(std::vector<T>& values, std::uint8_t most, auto fields_of)
    {
        std::uint8_t count = 0;
        field(count);
        if (count > most) return fail();
        values.resize(count);
        for (T& value : values)
            fields_of(value);
    }

    void fail() { ok_ = false; }
    bool ok() const { return ok_; }
    bool complete() const { return ok_ && rest_.empty(); }

private:
    std::span<const char> take(std::size_t size);
    std::uint64_t number(std::size_t size);

    std::span<const char> rest_;
    bool ok_ = true;
};

// ---- one message of several kinds. The first byte of its packet is its kind: `first_kind` plus its place in
// the variant. `fields(packet, message)` passes its fields to the writer or reader, in the order in which
// they travel.

// For the overloads of `fields`: a message to be written, which is const, or to be read.
template <class Given, class Message>
concept Is = std::same_as<std::remove_const_t<Given>, Message>;

template <class... Messages>
SecretText encode_message(const std::variant<Messages...>& message, std::uint8_t first_kind, auto fields)
{
    PacketWriter packet;
    packet.field(static_cast<std::uint8_t>(first_kind + message.index()));
    std::visit([&](const auto& kind) { fields(packet, kind); }, message);
    return packet.take();
}

// Fails with Errc::bad_message for an unknown kind, a field that cannot be read, and bytes left over.
template <class Message>
Result<Message> decode_message(std::span<const char> bytes, std::uint8_t first_kind, auto fields)
{
    constexpr std::size_t kinds = std::variant_size_v<Message>;
    PacketReader packet{bytes};
    std::uint8_t kind = 0;
    packet.field(kind);
    if (kind < first_kind || kind - first_kind >= static_cast<int>(kinds)) return Errc::bad_message;
    Message message;
    boost::mp11::mp_with_index<kinds>(static_cast<std::size_t>(kind - first_kind),
                                      [&](auto place) { fields(packet, message.template emplace<place>()); });
    if (!packet.complete()) return Errc::bad_message;
    return message;
}

} // namespace ftpc::server::ipc
