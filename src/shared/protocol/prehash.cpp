#include "shared/protocol/prehash.hpp"

#include "shared/crypto/digest.hpp"
#include "shared/crypto/scrypt.hpp"

#include <string>

namespace ftpc {

namespace {

void append_counted(std::string& out, std::string_view text)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(text.size() >> shift & 0xFF);
    out += text;
}

} // namespace

Prehash prehash(std::string_view password, std::string_view realm, std::string_view user)
{
    std::string label = "ftpc-prehash-v1";
    append_counted(label, realm);
    append_counted(label, user);
    const Sha256 salt = sha256({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
    Prehash out;
    scrypt(password, salt, {.ln = 14, .r = 8, .p = 1}, out);
    return out;
}

} // namespace ftpc
