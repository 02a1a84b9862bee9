// The pepper: one secret that stands outside users.db and is mixed into its password hashes, so that a stolen
// users.db alone is not enough to guess passwords against (docs/protocol.md §7).
#pragma once

#include "shared/crypto/secret.hpp"
#include "shared/protocol/prehash.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace ftpc::server {

using PepperId = std::array<std::uint8_t, 4>; // the first bytes of SHA-256(pepper)

class Pepper {
public:
    // No pepper.
    Pepper() = default;
    // An empty `key` is no pepper.
    explicit Pepper(SecretText key);

    // None when there is no pepper.
    const std::optional<PepperId>& id() const { return id_; }

    // HMAC-SHA256(key = pepper, prehash). Only where there is a pepper.
    SecretBytes<32> mix(const Prehash& prehash) const;

private:
    SecretText key_;
    std::optional<PepperId> id_;
};

// The bytes of the file that the setting `pepper-file` names; empty when it names none. Throws
// std::runtime_error with a sentence for the administrator when the file cannot be read, others can read it,
// or it has fewer than 32 bytes or more than 4,096.
SecretText read_pepper_file(const std::string& path);

} // namespace ftpc::server
