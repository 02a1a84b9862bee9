#include "server/ipc/wire.hpp"

#include <algorithm>
#include <stdexcept>

namespace ftpc::server::ipc {

void PacketWriter::bytes(std::span<const std::uint8_t> value)
{
    packet_.insert(packet_.end(), value.begin(), value.end());
}

void PacketWriter::text(std::string_view value, std::size_t max_bytes)
{
    if (value.size() > max_bytes) throw std::length_error{"text too long for a message between processes"};
    number(value.size(), 2);
    packet_.insert(packet_.end(), value.begin(), value.end());
}

void PacketWriter::number(std::uint64_t value, int size)
{
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
        packet_.push_back(static_cast<char>(value >> shift & 0xFF));
}

bool PacketReader::flag()
{
    const std::uint8_t value = u8();
    if (value > 1) fail();
    return value == 1;
}

void PacketReader::bytes(std::span<std::uint8_t> out)
{
    const auto taken = take(out.size());
    std::copy(taken.begin(), taken.end(), out.begin());
}

std::string_view PacketReader::text(std::size_t max_bytes)
{
    const std::uint64_t size = number(2);
    if (size > max_bytes) fail();
    const auto taken = ok_ ? take(size) : std::span<const char>{};
    return {taken.data(), taken.size()};
}

std::span<const char> PacketReader::take(std::size_t size)
{
    if (!ok_ || size > rest_.size()) {
        fail();
        return {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
}

std::uint64_t PacketReader::number(std::size_t size)
{
    std::uint64_t value = 0;
    for (const char c : take(size))
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

} // namespace ftpc::server::ipc
