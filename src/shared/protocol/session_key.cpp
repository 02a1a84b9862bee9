#include "shared/protocol/session_key.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include <openssl/evp.h>

namespace ftpc {

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

void require(bool done)
{
    if (!done) throw boost::system::system_error{make_error_code(Errc::crypto_failed), "Ed25519"};
}

std::string signed_text(const ChannelBinding& binding, const SessionId& id, std::string_view user)
{
    std::string text = "ftpc-sess-v1";
    text.append(binding.begin(), binding.end());
    text.append(id.begin(), id.end());
    text += user;
    return text;
}

const unsigned char* bytes(const std::string& text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

bool is_weak_key(const SessionPublicKey& key)
{
    // The points P of edwards25519 (RFC 8032 §5.1) with 8P = 0, by their y; 0 and 1 also as p and p + 1.
    static constexpr std::array weak{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    SessionPublicKey y = key;
    y.back() &= 0x7F; // without the sign of x
    return std::find(weak.begin(), weak.end(), hex_encode(y)) != weak.end();
}

SessionKeyPair make_session_key_pair()
{
    const Key key{EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free};
    SessionKeyPair pair;
    std::size_t private_bytes = pair.private_key.size();
    std::size_t public_bytes = pair.public_key.size();
    require(key && EVP_PKEY_get_raw_private_key(key.get(), pair.private_key.data(), &private_bytes) == 1 &&
            EVP_PKEY_get_raw_public_key(key.get(), pair.public_key.data(), &public_bytes) == 1);
    return pair;
}

SessionSignature sign_session(const SessionPrivateKey& private_key, const ChannelBinding& binding,
                              const SessionId& id, std::string_view user)
{
    const Key key{
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, private_key.data(), private_key.size()),
        EVP_PKEY_free};
    const DigestContext context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    const std::string text = signed_text(binding, id, user);
    SessionSignature signature;
    std::size_t size = signature.size();
    require(key && context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
            EVP_DigestSign(context.get(), signature.data(), &size, bytes(text), text.size()) == 1);
    return signature;
}

bool verify_session(const SessionPublicKey& public_key, const ChannelBinding& binding, const SessionId& id,
                    std::string_view user, const SessionSignature& signature)
{
    const Key key{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()),
        EVP_PKEY_free};
    const DigestContext context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    const std::string text = signed_text(binding, id, user);
    return !is_weak_key(public_key) && key && context &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), bytes(text), text.size()) == 1;
}

} // namespace ftpc
