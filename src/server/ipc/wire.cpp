#include "server/ipc/wire.hpp"

namespace ftpc::server::ipc {

void PacketWriter::field(std::span<const std::uint8_t> value)
{
    packet_.insert(packet_.end(), value.begin(), value.end());
}

void PacketWriter::text(std::string_view value, std::size_t most)
{
    if (value.size() > most) throw std::length_error{"text too long for a message between processes"};
    number(value.size(), 2);
    packet_.insert(packet_.end(), value.begin(), value.end());
}

void PacketWriter::number(std::uint64_t value, std::size_t size)
{
    while (size-- > 0)
        packet_.push_back(static_cast<char>(value >> 8 * size & 0xFF));
}

void PacketReader::field(bool& value)
{
    const std::uint64_t read = number(1);
    if (read > 1) fail();
    value = read == 1;
}

void PacketReader::field(std::optional<std::uint64_t>& value)
{
    bool given = false;
    std::uint64_t read = 0;
    fields(given, read);
    if (!given && read != 0) fail();
    value = given ? std::optional{read} : std::nullopt;
}

void PacketReader::field(std::span<std::uint8_t> out)
{
    const auto taken = take(out.size());
    std::copy(taken.begin(), taken.end(), out.begin());
}

std::string_view PacketReader::text(std::size_t most)
{
    const std::uint64_t size = number(2);
    if (size > most) fail();
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
