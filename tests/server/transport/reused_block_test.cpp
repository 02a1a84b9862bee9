#include "server/transport/reused_block.hpp"

#include "support/catch.hpp"

#include <cstdint>

using namespace ftpc::server;

TEST_CASE("memory that was given back is given out again")
{
    ReusedBlock block;
    auto allocator = block.allocator();
    std::byte* const first = allocator.allocate(100);
    allocator.deallocate(first, 100);
    CHECK(allocator.allocate(80) == first);
    allocator.deallocate(first, 80);
    ReusedBlock::Allocator<std::uint64_t> of_numbers{allocator};
    CHECK(of_numbers == allocator);
    std::uint64_t* const number = of_numbers.allocate(1);
    CHECK(static_cast<void*>(number) == first);
    of_numbers.deallocate(number, 1);
}

TEST_CASE("who asks while the block is taken gets other memory, and who asks for more a larger block")
{
    ReusedBlock block;
    auto allocator = block.allocator();
    std::byte* const first = allocator.allocate(16);
    std::byte* const second = allocator.allocate(16);
    CHECK(second != first);
    allocator.deallocate(second, 16);
    std::byte* const third = allocator.allocate(16); // the first has not come back yet
    CHECK(third != first);
    allocator.deallocate(first, 16);
    allocator.deallocate(third, 16);
    std::byte* const large = allocator.allocate(4096);
    large[4095] = std::byte{1};
    allocator.deallocate(large, 4096);
    CHECK(allocator.allocate(4096) == large);
    allocator.deallocate(large, 4096);
}
