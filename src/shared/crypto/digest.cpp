#include "shared/crypto/digest.hpp"

#include "shared/base/error.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace ftpc {

namespace {

void require(bool done, const char* what)
{
    if (!done) throw boost::system::system_error{make_error_code(Errc::crypto_failed), what};
}

} // namespace

Sha256 sha256(std::span<const std::uint8_t> bytes)
{
    Sha256 out;
    require(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1,
            "SHA-256");
    return out;
}

Sha256 hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> bytes)
{
    Sha256 out;
    unsigned length = 0;
    // OpenSSL takes an empty key, but no null pointer to it.
    require(HMAC(EVP_sha256(), key.empty() ? out.data() : key.data(), static_cast<int>(key.size()),
                 bytes.data(), bytes.size(), out.data(), &length) != nullptr,
            "HMAC-SHA256");
    return out;
}

void fill_random(std::span<std::uint8_t> out)
{
    require(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "random bytes");
}

} // namespace ftpc
