// A SOCK_SEQPACKET pair between two of our processes: whole packets, bounded, optionally carrying
// descriptors.
#pragma once

#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/crypto/secret.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace ftpc::server::ipc {

inline constexpr std::size_t max_passed_descriptors = 128;

// Both ends close-on-exec; blocking.
std::pair<UniqueFd, UniqueFd> make_channel();

struct Packet {
    SecretText bytes; // empty: the other side is gone
    std::vector<UniqueFd> descriptors;
};

// Sends one packet, with descriptors beside it where given. Fails with EAGAIN on a full non-blocking channel,
// EPIPE when the other side is gone; never raises SIGPIPE.
Result<void> send_packet(int channel, std::span<const char> bytes, std::span<const int> descriptors = {});

// Receives one packet. Fails with EAGAIN on an empty non-blocking channel, Errc::bad_message for a packet
// longer than `max_bytes` or with more than max_passed_descriptors. If this process can open no more, the
// packet comes without its descriptors.
Result<Packet> receive_packet(int channel, std::size_t max_bytes);

} // namespace ftpc::server::ipc
