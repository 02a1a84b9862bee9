// Base64 with the standard alphabet (RFC 4648 §4) and without padding, as PHC strings and this protocol use
// it, and lower-case hexadecimal for identifiers.
#pragma once

#include "shared/base/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ftpc {

std::string base64_encode(std::span<const std::uint8_t> bytes);

// Decodes exactly `out.size()` bytes, straight into `out`, so that a secret leaves no copy elsewhere. Strict:
// no padding, no white space, no other alphabet, unused bits zero. Fails with Errc::bad_base64, also when the
// length differs; `out` may then hold a part.
Result<void> base64_decode_into(std::string_view text, std::span<std::uint8_t> out);

std::string hex_encode(std::span<const std::uint8_t> bytes);

// Decodes exactly `out.size()` bytes of lower-case hexadecimal. Fails with Errc::bad_argument.
Result<void> hex_decode_into(std::string_view text, std::span<std::uint8_t> out);

// A number as 16 digits, and back.
std::string hex_encode(std::uint64_t number);
Result<std::uint64_t> hex_decode_number(std::string_view text);

} // namespace ftpc
