// Only a request of NTP gets an answer, which is as long as it, repeats its parts, and is itself no request.
#include "fuzz/require.hpp"
#include "server/time/time_answers.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

using namespace ftpc::server;
using ftpc::fuzz::require;

namespace {

TimeRequest request_of(std::span<const std::uint8_t> bytes)
{
    return {bytes, {}, 123, SystemTime{std::chrono::seconds{1'795'996'800}}};
}

bool is_request(std::span<const std::uint8_t> bytes)
{
    if (bytes.size() != 48) return false;
    const unsigned version = bytes[0] / 8 % 8;
    return bytes[0] % 8 == 3 && version >= 2 && version <= 4;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static TimeAnswers answers{{1, 2}, [] { return true; }};
    const std::span bytes{data, size};
    const TimeRequest request = request_of(bytes);
    const auto answer = answers.to_ntp(request, request.received, {});
    require(answer.has_value() == is_request(bytes), "requests are answered, and nothing else");
    if (!answer) return 0;
    require(((*answer)[0] & 7) == 4, "it is a server's packet");
    require((((*answer)[0] ^ bytes[0]) & 0x38) == 0, "it has the version of the request");
    require(std::equal(bytes.begin() + 40, bytes.end(), answer->begin() + 24),
            "it repeats the transmit time");
    require(!answers.to_ntp(request_of(*answer), request.received, {}), "NTP does not answer an answer");
    TimeText text{};
    TimeRequest to_text = request_of(*answer);
    to_text.port = 40000;
    require(answers.to_text(to_text, request.received, {}, text).empty(), "nor does the text service");
    return 0;
}
