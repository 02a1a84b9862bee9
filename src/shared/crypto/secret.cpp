#include "shared/crypto/secret.hpp"

#include <openssl/crypto.h>

namespace ftpc {

void wipe(void* memory, std::size_t bytes) noexcept
{
    OPENSSL_cleanse(memory, bytes);
}

bool constant_time_equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace ftpc
