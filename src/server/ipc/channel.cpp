#include "server/ipc/channel.hpp"

#include "shared/base/error.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace ftpc::server::ipc {

namespace {

constexpr std::size_t control_bytes = CMSG_SPACE(max_passed_descriptors * sizeof(int));

struct alignas(cmsghdr) ControlBuffer {
    std::array<char, control_bytes> bytes{};
};

void attach(msghdr& message, ControlBuffer& control, std::span<const int> descriptors)
{
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
}

std::vector<UniqueFd> received_descriptors(msghdr& message)
{
    std::vector<UniqueFd> descriptors;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            descriptors.emplace_back(fd);
        }
    }
    return descriptors;
}

} // namespace

std::pair<UniqueFd, UniqueFd> make_channel()
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw boost::system::system_error{last_system_error(), "socketpair"};
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Result<void> send_packet(int channel, std::span<const char> bytes, std::span<const int> descriptors)
{
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ControlBuffer control;
    if (!descriptors.empty()) attach(message, control, descriptors);
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(channel, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return last_system_error();
    return {};
}

Result<Packet> receive_packet(int channel, std::size_t max_bytes)
{
    Packet packet;
    packet.bytes.resize(max_bytes);
    iovec part{packet.bytes.data(), packet.bytes.size()};
    ControlBuffer control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    ssize_t got = 0;
    do {
        got = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return last_system_error();
    packet.descriptors = received_descriptors(message);
    if ((message.msg_flags & MSG_TRUNC) != 0) return Errc::bad_message;
    const bool too_many = (message.msg_flags & MSG_CTRUNC) != 0;
    if (too_many && !packet.descriptors.empty()) return Errc::bad_message; // else this process can have none
    packet.bytes.resize(static_cast<std::size_t>(got));
    return packet;
}

} // namespace ftpc::server::ipc
