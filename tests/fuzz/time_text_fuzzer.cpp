// The text service never sends more than it may, nor anything that it would answer itself. The first eight
// bytes are the time.
#include "fuzz/require.hpp"
#include "server/time/time_answers.hpp"
#include "shared/base/text.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using ftpc::fuzz::require;

namespace {

std::string answer_to(std::string_view datagram, SystemTime now)
{
    // So late that no request is beyond the bound of its address.
    static TimeAnswers answers{{1, 2}, [] { return false; }};
    static AddressRate::Time when;
    when += std::chrono::seconds{5};
    const std::span bytes{reinterpret_cast<const std::uint8_t*>(datagram.data()), datagram.size()};
    TimeText text{};
    return std::string{answers.to_text({bytes, {}, 40000, now}, now, when, text)};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::int64_t nanoseconds = 0;
    if (size < sizeof nanoseconds) return 0;
    std::memcpy(&nanoseconds, data, sizeof nanoseconds);
    const SystemTime now{std::chrono::nanoseconds{nanoseconds}};
    const std::string_view datagram{reinterpret_cast<const char*>(data) + sizeof nanoseconds,
                                    size - sizeof nanoseconds};
    const std::string answer = answer_to(datagram, now);
    require(answer.size() <= 28 + 2 * datagram.size(), "it is not too long");
    require(answer.find('%') == std::string::npos, "it is no format");
    require(!has_control_character(answer), "it is UTF-8 without control characters");
    require(answer_to(answer, now).empty(), "no other such service answers it");
    const bool is_text = datagram.size() <= 128 && is_utf8(datagram) && datagram.find('%') != datagram.npos;
    require(is_text || answer.empty(), "anything but a format gets no answer");
    require(answer != "?" || datagram != "%F %T", "a good format is not refused");
    return 0;
}
