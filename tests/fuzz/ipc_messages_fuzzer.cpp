// Packets between the processes: what is understood has one form only, so that it is sent again byte for
// byte.
#include "fuzz/require.hpp"
#include "server/ipc/control.hpp"
#include "server/ipc/messages.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

using namespace ftpc::server;
using ftpc::fuzz::require;

namespace {

template <class Decoded>
void check(const Decoded& decoded, std::span<const char> packet)
{
    if (!decoded) return;
    const auto again = ipc::encode(*decoded);
    require(std::equal(again.begin(), again.end(), packet.begin(), packet.end()),
            "a message has one form only");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::span<const char> packet{reinterpret_cast<const char*>(data), size};
    const auto request = ipc::decode_request(packet);
    const auto answer = ipc::decode_answer(packet);
    require(!request || !answer, "a request is no answer");
    if (size <= ipc::max_message_bytes) {
        check(request, packet);
        check(answer, packet);
    }
    check(ipc::decode_order(packet), packet);
    check(ipc::decode_report(packet), packet);
    return 0;
}
