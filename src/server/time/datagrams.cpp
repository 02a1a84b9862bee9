#include "server/time/datagrams.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace ftpc::server {

namespace {

SystemTime system_time(const timespec& time)
{
    return SystemTime{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

// A message's control data of that kind; none: nullptr.
const cmsghdr* find(const msghdr& message, int level, int type)
{
    auto& headers = const_cast<msghdr&>(message); // as CMSG_NXTHDR wants it
    for (cmsghdr* header = CMSG_FIRSTHDR(&headers); header != nullptr; header = CMSG_NXTHDR(&headers, header))
        if (header->cmsg_level == level && header->cmsg_type == type) return header;
    return nullptr;
}

template <class Value>
Value value_of(const cmsghdr& header)
{
    Value value{};
    std::memcpy(&value, CMSG_DATA(&header), sizeof value);
    return value;
}

template <class Value>
void set_only(msghdr& message, int level, int type, const Value& value)
{
    message.msg_controllen = CMSG_SPACE(sizeof value);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
}

// Has `answer` leave from the address that `request` was sent to. The kernel refuses to send from an address
// of many machines (broadcast, multicast), so one request does not make all of them answer.
void leave_from_address_asked(const msghdr& request, msghdr& answer)
{
    if (const cmsghdr* const ipv4 = find(request, IPPROTO_IP, IP_PKTINFO)) {
        const auto asked = value_of<in_pktinfo>(*ipv4);
        return set_only(answer, IPPROTO_IP, IP_PKTINFO, in_pktinfo{0, asked.ipi_addr, {}});
    }
    const cmsghdr* const ipv6 = find(request, IPPROTO_IPV6, IPV6_PKTINFO);
    if (ipv6 == nullptr) return;
    auto asked = value_of<in6_pktinfo>(*ipv6);
    // Other addresses are reached by any interface, as the routes say.
    if (IN6_IS_ADDR_LINKLOCAL(&asked.ipi6_addr) == 0) asked.ipi6_ifindex = 0;
    set_only(answer, IPPROTO_IPV6, IPV6_PKTINFO, asked);
}

} // namespace

SystemTime system_time_now()
{
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return system_time(now);
}

Datagrams::Datagrams() : slots_(most), received_(most)
{
    answers_.reserve(most);
    for (std::size_t i = 0; i < most; ++i) {
        Slot& slot = slots_[i];
        slot.request_part = {slot.request.data(), slot.request.size()};
        slot.answer_part = {slot.answer.data(), 0};
        received_[i].msg_hdr.msg_name = &slot.peer;
        received_[i].msg_hdr.msg_iov = &slot.request_part;
        received_[i].msg_hdr.msg_iovlen = 1;
        received_[i].msg_hdr.msg_control = slot.control.data();
    }
}

std::size_t Datagrams::receive(int socket)
{
    answers_.clear();
    for (std::size_t i = 0; i < most; ++i) { // the kernel has put the real sizes here
        received_[i].msg_hdr.msg_namelen = sizeof slots_[i].peer;
        received_[i].msg_hdr.msg_controllen = slots_[i].control.size();
    }
    const int count = ::recvmmsg(socket, received_.data(), most, MSG_DONTWAIT, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

TimeRequest Datagrams::request(std::size_t index) const
{
    const Slot& slot = slots_[index];
    const cmsghdr* const time = find(received_[index].msg_hdr, SOL_SOCKET, SCM_TIMESTAMPNS);
    return {.bytes = {slot.request.data(), received_[index].msg_len},
            .peer = address_of(reinterpret_cast<const sockaddr&>(slot.peer)),
            .port = ntohs(slot.peer.sin6_port), // in the same place as in sockaddr_in
            .received = time != nullptr ? system_time(value_of<timespec>(*time)) : system_time_now()};
}

void Datagrams::answer(std::size_t index, std::span<const std::uint8_t> bytes)
{
    Slot& slot = slots_[index];
    slot.answer_part.iov_len = std::min(bytes.size(), slot.answer.size());
    std::copy_n(bytes.begin(), slot.answer_part.iov_len, slot.answer.begin());
    mmsghdr& message = answers_.emplace_back();
    message.msg_hdr.msg_name = &slot.peer;
    message.msg_hdr.msg_namelen = received_[index].msg_hdr.msg_namelen;
    message.msg_hdr.msg_iov = &slot.answer_part;
    message.msg_hdr.msg_iovlen = 1;
    message.msg_hdr.msg_control = slot.answer_control.data();
    // protection: address-asked
    leave_from_address_asked(received_[index].msg_hdr, message.msg_hdr);
    if (message.msg_hdr.msg_controllen == 0) message.msg_hdr.msg_control = nullptr;
}

void Datagrams::send(int socket)
{
    std::span<mmsghdr> left{answers_};
    while (!left.empty()) {
        const int sent =
            ::sendmmsg(socket, left.data(), static_cast<unsigned>(left.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) break; // no room: clients ask again
        left = left.subspan(static_cast<std::size_t>(std::max(sent, 1)));
    }
    answers_.clear();
}

} // namespace ftpc::server
