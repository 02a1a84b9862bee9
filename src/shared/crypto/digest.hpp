// SHA-256, HMAC-SHA256 and random bytes from OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace ftpc {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::span<const std::uint8_t> bytes);
Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> bytes);

// Fills `out` from the system's random generator. Throws if there is none.
void fill_random(std::span<std::uint8_t> out);

} // namespace ftpc
