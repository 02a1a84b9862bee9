// Matchers whose names differ between Catch2 2 and 3.
#pragma once

#include "support/catch.hpp"

#include <string>

namespace ftpc::test {

inline auto contains(const std::string& part)
{
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::Matchers::ContainsSubstring(part);
#else
    return Catch::Contains(part);
#endif
}

inline auto starts_with(const std::string& part)
{
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::Matchers::StartsWith(part);
#else
    return Catch::StartsWith(part);
#endif
}

} // namespace ftpc::test
