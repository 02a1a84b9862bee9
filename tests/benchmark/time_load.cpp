#include "benchmark/time_load.hpp"

#include "benchmark/statistics.hpp"

#include <netinet/in.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace ftpc::benchmark {

namespace {

constexpr std::uint32_t clients = 10000;
constexpr std::uint32_t first_client = 0x7F640001; // 127.100.0.1
constexpr std::string_view format = "%Y/%m/%d %H:%M:%S";
constexpr std::size_t ntp_bytes = 48;
constexpr std::size_t text_bytes = 19;

[[noreturn]] void fail(const char* what)
{
    throw std::system_error{errno, std::system_category(), what};
}

std::array<char, ntp_bytes> ntp_request()
{
    std::array<char, ntp_bytes> packet{};
    packet[0] = 0x23; // version 4, mode 3
    return packet;
}

std::string_view words_of(TimeQuestion question)
{
    static const auto packet = ntp_request();
    return question == TimeQuestion::ntp ? std::string_view{packet.data(), packet.size()} : format;
}

// Of mode 4, or a date.
bool is_answer(TimeQuestion question, std::string_view bytes)
{
    if (question == TimeQuestion::ntp) return bytes.size() == ntp_bytes && (bytes[0] & 7) == 4;
    return bytes.size() == text_bytes && bytes[4] == '/';
}

} // namespace

TimeLoad::TimeLoad(const Target& target)
    : target_{target}, socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)}
{
    sockaddr_in any{};
    any.sin_family = AF_INET;
    const timeval longest{1, 0};
    if (!socket_ || ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest) != 0)
        fail("no socket");
}

boost::json::object TimeLoad::run(const TimePlan& plan)
{
    Latencies latencies;
    std::deque<Clock::time_point> asked_at;
    const auto begin = Clock::now();
    const double cpu = own_cpu_seconds();
    std::uint64_t answers = 0;
    while (seconds_since(begin) < plan.seconds) {
        while (asked_at.size() < plan.in_flight) {
            asked_at.push_back(Clock::now());
            ask(plan.question);
        }
        take_answer(plan.question);
        latencies.record(Clock::now() - asked_at.front()); // they come in the order of the requests
        asked_at.pop_front();
        ++answers;
    }
    const double seconds = seconds_since(begin);
    for (; !asked_at.empty(); asked_at.pop_front(), ++answers)
        take_answer(plan.question);
    return {{"answers", answers},
            {"per_second", static_cast<double>(answers) / seconds},
            {"latency", latencies.to_json()},
            {"generator_cpu_seconds", own_cpu_seconds() - cpu}};
}

void TimeLoad::ask(TimeQuestion question)
{
    const std::string_view words = words_of(question);
    iovec part{const_cast<char*>(words.data()), words.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr message{};
    message.msg_name = &target_.address;
    message.msg_namelen = target_.address_bytes;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo source{};
    source.ipi_spec_dst.s_addr = htonl(first_client + asked_++ % clients);
    std::memcpy(CMSG_DATA(header), &source, sizeof source);
    if (::sendmsg(socket_.get(), &message, 0) < 0) fail("cannot ask");
}

void TimeLoad::take_answer(TimeQuestion question)
{
    std::array<char, 512> bytes{};
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0) fail("no answer");
    if (!is_answer(question, {bytes.data(), static_cast<std::size_t>(got)}))
        throw std::runtime_error{"this is not the time"};
}

} // namespace ftpc::benchmark
