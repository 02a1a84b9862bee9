// Session keys: an Ed25519 key that the client makes at login, enrols, and signs each later connection with.
#pragma once

#include "shared/base/result.hpp"
#include "shared/crypto/secret.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace ftpc {

using SessionId = std::array<std::uint8_t, 16>;        // given by the server, hexadecimal on the wire
using SessionPublicKey = std::array<std::uint8_t, 32>; // Ed25519 (RFC 8032), raw
using SessionPrivateKey = SecretBytes<32>;             // Ed25519 seed, raw
using SessionSignature = std::array<std::uint8_t, 64>;
using ChannelBinding = std::array<std::uint8_t, 32>; // tls-exporter (RFC 9266 §2)

// The label that RFC 9266 §2 gives to the tls-exporter channel binding; its context is empty.
inline constexpr std::string_view channel_binding_label = "EXPORTER-Channel-Binding";

struct SessionKeyPair {
    SessionPrivateKey private_key;
    SessionPublicKey public_key;
};
SessionKeyPair make_session_key_pair();

// Signs "ftpc-sess-v1" | channel binding | session id | user: good on this one TLS connection only.
SessionSignature sign_session(const SessionPrivateKey& key, const ChannelBinding& binding,
                              const SessionId& id, std::string_view user);

// Whether `key` is a point of small order (eight of them, in all their encodings). Signatures that fit it can
// be made without any private key. RFC 8032 leaves this check to protocols.
bool is_weak_key(const SessionPublicKey& key);

// Whether `signature` is that signature by the private half of `key`; never with a weak key.
bool verify_session(const SessionPublicKey& key, const ChannelBinding& binding, const SessionId& id,
                    std::string_view user, const SessionSignature& signature);

} // namespace ftpc
