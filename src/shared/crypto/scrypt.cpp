#include "shared/crypto/scrypt.hpp"

#include "shared/base/error.hpp"

#include <memory>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace ftpc {

bool is_allowed(const ScryptCost& cost)
{
    return cost.ln >= 10 && cost.ln <= 20 && cost.r >= 1 && cost.r <= 32 && cost.p >= 1 && cost.p <= 16 &&
           cost.memory_bytes() <= 1ULL << 30 && cost.ln < 16 * cost.r; // RFC 7914 §2: N < 2^(128 * r / 8)
}

void scrypt(std::string_view password, std::span<const std::uint8_t> salt, ScryptCost cost,
            std::span<std::uint8_t> out)
{
    // Fetching walks the providers' tables under a lock, so it is done once.
    static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "SCRYPT", nullptr);
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context{
        kdf ? EVP_KDF_CTX_new(kdf) : nullptr, EVP_KDF_CTX_free};

    std::uint64_t n = 1ULL << cost.ln;
    std::uint32_t r = cost.r;
    std::uint32_t p = cost.p;
    // OpenSSL's own bound is 32 MiB; the working set is N, p and two temporaries of 128 * r bytes each.
    std::uint64_t max_memory = cost.memory_bytes() + 128ULL * r * (p + 4ULL) + 4096;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, const_cast<char*>(password.data()),
                                          password.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, const_cast<std::uint8_t*>(salt.data()),
                                          salt.size()),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max_memory),
        OSSL_PARAM_construct_end(),
    };
    if (!context || EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1)
        throw boost::system::system_error{make_error_code(Errc::crypto_failed), "scrypt"};
}

} // namespace ftpc
