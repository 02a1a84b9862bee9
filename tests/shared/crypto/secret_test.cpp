#include "shared/crypto/secret.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__clang__)
#if __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define FTPC_CLANG_THREAD_SANITIZER
#endif
#endif

using namespace ftpc;
using test::bytes;

namespace {

// Watches one block of memory for the moment when it is given back. It uses this program's own operator
// delete, or the hooks of Clang's thread sanitizer, which has an operator delete of its own.
struct Watched {
    const char* memory = nullptr;
    std::size_t bytes = 0;
    bool seen_freed = false;
    bool zero_when_freed = false;
};
Watched watched;

void look_at(const volatile void* memory) noexcept
{
    if (memory != nullptr && memory == watched.memory) {
        watched.zero_when_freed =
            std::all_of(watched.memory, watched.memory + watched.bytes, [](char c) { return c == 0; });
        watched.seen_freed = true;
        watched.memory = nullptr;
    }
}

} // namespace

#ifdef FTPC_CLANG_THREAD_SANITIZER

const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) {}, [](const volatile void* memory) { look_at(memory); });

#else

namespace {

void look_and_free(void* memory) noexcept
{
    look_at(memory);
    std::free(memory);
}

} // namespace

void* operator new(std::size_t bytes)
{
    if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
    throw std::bad_alloc{};
}

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept
{
    return std::malloc(bytes == 0 ? 1 : bytes);
}

void operator delete(void* memory) noexcept
{
    look_and_free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    look_and_free(memory);
}

void operator delete(void* memory, const std::nothrow_t&) noexcept
{
    look_and_free(memory);
}

#endif

TEST_CASE("equality in constant time is still equality")
{
    CHECK(constant_time_equal(bytes("same"), bytes("same")));
    CHECK(!constant_time_equal(bytes("same"), bytes("samE")));
    CHECK(!constant_time_equal(bytes("same"), bytes("sam")));
    CHECK(constant_time_equal({}, {}));
    CHECK(!constant_time_equal({}, bytes("x")));
}

TEST_CASE("wiped memory is zero")
{
    std::array<char, 16> memory;
    memory.fill('x');
    wipe(memory.data(), memory.size());
    CHECK(std::all_of(memory.begin(), memory.end(), [](char c) { return c == 0; }));
}

TEST_CASE("secret bytes are zero at first and wiped at the end of their life")
{
    alignas(SecretBytes<32>) std::array<std::uint8_t, sizeof(SecretBytes<32>)> memory;
    memory.fill(0xaa);
    auto* const secret = new (memory.data()) SecretBytes<32>;
    CHECK(*secret == SecretBytes<32>{});
    secret->fill(0x55);
    secret->~SecretBytes();
    CHECK(std::all_of(memory.begin(), memory.end(), [](std::uint8_t byte) { return byte == 0; }));
}

TEST_CASE("memory of a secret text is wiped before it is given back, whole and for short texts too")
{
    for (const std::size_t size : {1U, 8U, 15U, 32U, 1000U}) {
        auto* const secret = new SecretText(size, 'x');
        watched = {.memory = secret->data(), .bytes = secret->capacity()};
        delete secret;
        CHECK(watched.seen_freed);
        CHECK(watched.zero_when_freed);
    }
}

TEST_CASE("a secret text that grows leaves nothing behind in its old memory")
{
    SecretText secret = secret_text("a password");
    watched = {.memory = secret.data(), .bytes = secret.capacity()};
    secret.resize(secret.capacity() + 1, 'y');
    CHECK(watched.seen_freed);
    CHECK(watched.zero_when_freed);
    CHECK(view(secret).starts_with("a password"));
}

TEST_CASE("a secret text that is moved stays where it is")
{
    SecretText secret = secret_text("a password");
    const char* const memory = secret.data();
    const SecretText moved = std::move(secret);
    CHECK(moved.data() == memory);
    CHECK(view(moved) == "a password");
}
