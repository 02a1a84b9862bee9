// A condition that a fuzz target holds to be always true.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ftpc::fuzz {

// Ends the target, which libFuzzer takes as a finding.
inline void require(bool holds, const char* what)
{
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

} // namespace ftpc::fuzz
