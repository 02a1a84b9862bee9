// The client's step of the login, PREHASH1: the password hashed once before it leaves the client.
#pragma once

#include "shared/crypto/secret.hpp"

#include <string_view>

namespace ftpc {

using Prehash = SecretBytes<32>;

// scrypt (RFC 7914) with N=2^14, r=8, p=1 over the password's bytes. Its salt is SHA-256("ftpc-prehash-v1" |
// u32 length of realm | realm | u32 length of user | user), lengths big-endian. Takes about 30 ms and 16 MiB.
// The same inputs give the same 32 bytes everywhere: docs/protocol.md has vectors.
Prehash prehash(std::string_view password, std::string_view realm, std::string_view user);

} // namespace ftpc
