#include "shared/base/utc_time.hpp"

#include <array>

namespace ftpc {

std::string utc_text(std::time_t seconds, const char* format)
{
    std::tm parts{};
    std::array<char, 64> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr) return {};
    return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

} // namespace ftpc
