// Text for system calls, which want a null byte behind it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace ftpc {

// A copy of `text`, which has `most` bytes or fewer, without an allocation.
template <std::size_t most>
class CString {
public:
    // Not filled with zeros first, which would take longer than the copy.
    explicit CString(std::string_view text) // NOLINT(cppcoreguidelines-pro-type-member-init)
    {
        *std::copy(text.begin(), text.end(), bytes_.begin()) = '\0';
    }
    const char* get() const { return bytes_.data(); }

private:
    std::array<char, most + 1> bytes_;
};

} // namespace ftpc
