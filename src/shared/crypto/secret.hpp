// Memory for secrets: wiped before it is given back, compared in constant time, never printed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace ftpc {

// Overwrites memory so that the compiler cannot leave it out.
void wipe(void* memory, std::size_t bytes) noexcept;

// Compares without a timing that depends on the contents. Spans of different sizes are unequal.
bool constant_time_equal(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept;

// N secret bytes, wiped at the end of their life.
template <std::size_t N>
struct SecretBytes : std::array<std::uint8_t, N> {
    SecretBytes() : std::array<std::uint8_t, N>{} {}
    SecretBytes(const SecretBytes&) = default;
    SecretBytes& operator=(const SecretBytes&) = default;
    ~SecretBytes() { wipe(this->data(), N); }
};

template <class T>
struct WipingAllocator : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = WipingAllocator<U>;
    };
    WipingAllocator() = default;
    template <class U>
    explicit WipingAllocator(const WipingAllocator<U>&) noexcept
    {}
    void deallocate(T* memory, std::size_t count)
    {
        wipe(memory, count * sizeof(T));
        std::allocator<T>::deallocate(memory, count);
    }
};

// A text of any length that is wiped wherever it was stored. (A std::string would keep short texts inside
// itself, out of an allocator's reach.)
using SecretText = std::vector<char, WipingAllocator<char>>;

inline SecretText secret_text(std::string_view text)
{
    return {text.begin(), text.end()};
}
inline std::string_view view(const SecretText& text)
{
    return {text.data(), text.size()};
}

} // namespace ftpc
