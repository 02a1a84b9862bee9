#include "server/users/pepper.hpp"

#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/files/file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::size_t least_bytes = 32;
constexpr std::size_t most_bytes = 4096;

std::span<const std::uint8_t> bytes(const SecretText& text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace

Pepper::Pepper(SecretText key) : key_{std::move(key)}
{
    if (key_.empty()) return;
    const Sha256 digest = sha256(bytes(key_));
    PepperId& id = id_.emplace();
    std::copy_n(digest.begin(), id.size(), id.begin());
}

SecretBytes<32> Pepper::mix(const Prehash& prehash) const
{
    SecretBytes<32> mixed;
    Sha256 mac = hmac_sha256(bytes(key_), prehash);
    std::copy(mac.begin(), mac.end(), mixed.begin());
    wipe(mac.data(), mac.size());
    return mixed;
}

SecretText read_pepper_file(const std::string& path)
{
    if (path.empty()) return {};
    auto contents = read_private_file(AT_FDCWD, path.c_str(), most_bytes);
    if (!contents) {
        std::string reason = "pepper file " + path + ": " + why_not_read(contents.error());
        if (contents.error() == Errc::unsafe_permissions)
            reason += "; mend with: chmod 600 " + shell_word(path);
        throw std::runtime_error{reason};
    }
    SecretText key = secret_text(*contents);
    wipe(contents->data(), contents->size());
    if (key.size() < least_bytes)
        throw std::runtime_error{"pepper file " + path + ": it must have at least 32 random bytes"};
    return key;
}

} // namespace ftpc::server
