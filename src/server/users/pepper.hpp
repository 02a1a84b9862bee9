// The pepper: one secret outside users.db that is mixed into its password hashes. A stolen users.db alone is
// then not enough to guess passwords against (docs/protocol.md §7).
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

    // HMAC-SHA256(key = pepper, prehash). Only if there is a pepper.
    SecretBytes<32> mix(const Prehash& prehash) const;

private:
    SecretText key_;
    std::optional<PepperId> id_;
};

// The bytes of the file that the setting `pepper-file` names; empty when it names none. Throws
// std::runtime_error with a sentence for the administrator when the file cannot be read or others can read
// it. It must have 32 to 4,096 bytes.
SecretText read_pepper_file(const std::string& path);

} // namespace ftpc::server
