// Writing and reading the fields of a packet: integers most significant byte first, texts with a two-byte
// length.
#pragma once

#include "shared/crypto/secret.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ftpc::server::ipc {

class PacketWriter {
public:
    void u8(std::uint8_t value) { packet_.push_back(static_cast<char>(value)); }
    void u32(std::uint32_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }
    void bytes(std::span<const std::uint8_t> value);
    // Throws std::length_error when `value` is longer than `max_bytes`.
    void text(std::string_view value, std::size_t max_bytes);

    SecretText take() { return std::move(packet_); }

private:
    void number(std::uint64_t value, int size);

    SecretText packet_;
};

// Reads beyond the end give zeros and make ok() false for good, so that a decoder may check once at its end.
class PacketReader {
public:
    explicit PacketReader(std::span<const char> packet) : rest_{packet} {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    bool flag(); // 0 or 1, anything else is not ok
    void bytes(std::span<std::uint8_t> out);
    std::string_view text(std::size_t max_bytes);

    void fail() { ok_ = false; }
    bool ok() const { return ok_; }
    bool complete() const { return ok_ && rest_.empty(); }

private:
    std::span<const char> take(std::size_t size);
    std::uint64_t number(std::size_t size);

    std::span<const char> rest_;
    bool ok_ = true;
};

} // namespace ftpc::server::ipc
