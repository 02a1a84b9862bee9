// The datagrams of a UDP socket, received and answered many at a time (recvmmsg(2), sendmmsg(2)). The socket
// must not wait, and must tell the address that was asked and the time of arrival (listening_sockets.hpp).
#pragma once

#include "server/time/time_answers.hpp"
#include "server/time/time_text.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ftpc::server {

// The kernel's clock, which SO_TIMESTAMPNS uses, too.
SystemTime system_time_now();

class Datagrams {
public:
    static constexpr std::size_t most = 32; // at a time

    Datagrams();
    Datagrams(const Datagrams&) = delete;
    Datagrams& operator=(const Datagrams&) = delete;

    // Takes those that have come. Returns how many; 0: none waits.
    std::size_t receive(int socket);

    // The one of that index. It refers to memory that the next receive() changes. A datagram that is longer
    // than any request may be cut, and is still longer.
    TimeRequest request(std::size_t index) const;

    // Has `bytes` sent as the answer to the one of that index, at most as many as a TimeText has.
    void answer(std::size_t index, std::span<const std::uint8_t> bytes);

    // Sends the answers, each from the address that was asked. An answer that cannot be sent is given up.
    void send(int socket);

private:
    static constexpr std::size_t longest_request = max_time_format_bytes + 1;
    struct Slot {
        sockaddr_in6 peer{}; // of either family
        alignas(cmsghdr) std::array<char, 128> control{};
        std::array<std::uint8_t, longest_request> request{};
        std::array<std::uint8_t, sizeof(TimeText)> answer{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> answer_control{};
        iovec request_part{};
        iovec answer_part{};
    };

    std::vector<Slot> slots_;
    std::vector<mmsghdr> received_; // one for each slot
    std::vector<mmsghdr> answers_;  // as many as there are to be sent
};

} // namespace ftpc::server
