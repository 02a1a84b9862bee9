// TLS records between a client and the server, cut, mixed with new keys and held up as the input says. In any
// case each side gets the other's bytes, and the server never goes on without an event.
#include "fuzz/require.hpp"
#include "server/transport/tls/stream_exchange.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    try {
        ftpc::test::exchange({reinterpret_cast<const char*>(data), size});
    } catch (const std::exception& error) {
        ftpc::fuzz::require(false, error.what());
    }
    return 0;
}
