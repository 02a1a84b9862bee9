#include "shared/protocol/fingerprint.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/crypto/digest.hpp"

#include <memory>

#include <openssl/x509.h>

namespace ftpc {

namespace {
constexpr std::string_view prefix = "SHA256:";
}

std::string fingerprint(const X509* certificate)
{
    unsigned char* der = nullptr;
    const int bytes = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    const auto release = [](unsigned char* memory) { OPENSSL_free(memory); };
    const std::unique_ptr<unsigned char, decltype(release)> owner{der, release};
    if (bytes <= 0) throw boost::system::system_error{make_error_code(Errc::crypto_failed), "fingerprint"};
    return std::string{prefix} + base64_encode(sha256({der, static_cast<std::size_t>(bytes)}));
}

bool is_fingerprint(std::string_view text)
{
    if (!text.starts_with(prefix)) return false;
    Sha256 digest;
    return base64_decode_into(text.substr(prefix.size()), digest).has_value();
}

} // namespace ftpc
