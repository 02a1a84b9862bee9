// A sessions.db from anywhere: a valid one is printed and parsed again.
#include "fuzz/require.hpp"
#include "server/auth/state/session_key_text.hpp"
#include "shared/base/text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace ftpc::server;
using ftpc::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto parsed = parse_session_keys({reinterpret_cast<const char*>(data), size});
    std::string printed;
    for (const SessionKey& key : parsed.keys) {
        require(ftpc::is_user_name(key.user), "a session key has a user");
        printed += session_key_line(key);
    }
    const auto again = parse_session_keys(printed);
    require(again.problems.empty() && again.keys == parsed.keys, "printed session keys parse back");
    return 0;
}
