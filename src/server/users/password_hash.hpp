// The stored form of a password: the client's prehash, salted and hashed again with scrypt, in the text form
// of PHC strings (docs/protocol.md §7).
#pragma once

#include "server/users/pepper.hpp"
#include "shared/base/result.hpp"
#include "shared/crypto/scrypt.hpp"
#include "shared/protocol/prehash.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::server {

struct PasswordHash {
    ScryptCost cost{};
    std::optional<PepperId> pepper; // the pepper that was mixed in, if one was
    std::array<std::uint8_t, 16> salt{};
    std::array<std::uint8_t, 32> hash{};

    friend bool operator==(const PasswordHash&, const PasswordHash&) = default;
};

// Exactly what to_text() prints, nothing else. Fails with Errc::bad_hash, also when the cost is not allowed.
Result<PasswordHash> parse_password_hash(std::string_view text);

// $scrypt$ln=15,r=8,p=3[,pepper=<8 hex>]$<22 base64>$<43 base64>
std::string to_text(const PasswordHash& hash);

// With a new random salt, and with the pepper if there is one. Takes the time and memory of `cost`; throws
// boost::system::system_error (Errc::crypto_failed) when there is no memory for it.
PasswordHash make_password_hash(const Prehash& prehash, const ScryptCost& cost, const Pepper& pepper);

// Whether `stored` was made of `prehash`. Takes the time and memory of `stored.cost` for every answer, also
// when `stored` wants a missing pepper, which is never a match. Throws like make_password_hash().
bool verify_password(const Prehash& prehash, const PasswordHash& stored, const Pepper& pepper);

// Whether make_password_hash() would make another hash today: with another cost, or with today's pepper.
bool needs_renewal(const PasswordHash& stored, const ScryptCost& cost, const Pepper& pepper);

} // namespace ftpc::server
