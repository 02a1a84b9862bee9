// How long a test waits for an event before it fails. It is far longer than the event takes; under a
// sanitizer, which FTPC_TEST_SCALE tells, longer still.
#pragma once

#include <chrono>
#include <cstdlib>
#include <string>

namespace ftpc::test {

inline std::chrono::milliseconds patience()
{
    const char* const scale = std::getenv("FTPC_TEST_SCALE");
    return std::chrono::seconds{10} * (scale != nullptr ? std::stoi(scale) : 1);
}

} // namespace ftpc::test
