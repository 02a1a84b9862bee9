// Bytes written as text in tests.
#pragma once

#include "shared/base/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace ftpc::test {

inline std::span<const std::uint8_t> bytes(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::vector<std::uint8_t> unhex(std::string_view hex)
{
    std::vector<std::uint8_t> out(hex.size() / 2);
    if (!hex_decode_into(hex, out)) throw std::invalid_argument{"not hexadecimal"};
    return out;
}

template <std::size_t N>
std::array<std::uint8_t, N> unhex_array(std::string_view hex)
{
    std::array<std::uint8_t, N> out{};
    if (!hex_decode_into(hex, out)) throw std::invalid_argument{"not hexadecimal of that length"};
    return out;
}

} // namespace ftpc::test
