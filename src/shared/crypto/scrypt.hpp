// scrypt (RFC 7914) from OpenSSL's EVP_KDF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ftpc {

// The cost of one hash: memory is 128 * r * 2^ln bytes, time grows with p beside it.
struct ScryptCost {
    unsigned ln; // log2 of N
    unsigned r;
    unsigned p;

    std::uint64_t memory_bytes() const { return 128ULL * r << ln; }
    friend bool operator==(const ScryptCost&, const ScryptCost&) = default;
};

// 10 <= ln <= 20, 1 <= r <= 32, 1 <= p <= 16, at most 1 GiB of memory: what a hash that is read may cost.
bool is_allowed(const ScryptCost& cost);

// Fills `out`. Throws boost::system::system_error (Errc::crypto_failed) when OpenSSL refuses, which for
// checked costs means that there is no memory.
void scrypt(std::string_view password, std::span<const std::uint8_t> salt, ScryptCost cost,
            std::span<std::uint8_t> out);

} // namespace ftpc
