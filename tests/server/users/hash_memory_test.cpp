#include "server/users/hash_memory.hpp"

#include "support/catch.hpp"

#include <cstring>
#include <thread>
#include <vector>

using namespace ftpc::server;

namespace {

constexpr std::size_t large = BlockPool::least_size;

} // namespace

TEST_CASE("a large block that is given back is the next one, also of a smaller request")
{
    BlockPool pool;
    void* const first = pool.allocate(4 * large);
    pool.release(first);
    for (const std::size_t size : {4 * large, large, 2 * large}) {
        void* const next = pool.allocate(size);
        CHECK(next == first);
        pool.release(next);
    }
    CHECK(pool.kept_bytes() == 4 * large);
}

TEST_CASE("blocks in use at the same time are different ones, and no more are kept than were in use")
{
    BlockPool pool;
    for (int round = 0; round < 3; ++round) {
        void* const one = pool.allocate(large);
        void* const other = pool.allocate(large);
        CHECK(one != other);
        pool.release(one);
        pool.release(other);
    }
    CHECK(pool.kept_bytes() == 2 * large);
}

TEST_CASE("a block that is too small is replaced by a larger one, not kept beside it")
{
    BlockPool pool;
    pool.release(pool.allocate(large));
    pool.release(pool.allocate(3 * large));
    CHECK(pool.kept_bytes() == 3 * large);
}

TEST_CASE("small blocks are not kept, and nothing is given back twice")
{
    BlockPool pool;
    pool.release(pool.allocate(1));
    pool.release(pool.allocate(large - 1));
    pool.release(nullptr);
    CHECK(pool.kept_bytes() == 0);
}

TEST_CASE("a block keeps its contents when it is resized, from small to large and back")
{
    BlockPool pool;
    auto* block = static_cast<char*>(pool.resize(nullptr, 4));
    std::memcpy(block, "abc", 4);
    for (const std::size_t size : {std::size_t{8}, large, 2 * large, std::size_t{16}}) {
        block = static_cast<char*>(pool.resize(block, size));
        REQUIRE(block != nullptr);
        CHECK(std::strcmp(block, "abc") == 0);
    }
    CHECK(pool.resize(block, 0) == nullptr);
    CHECK(pool.kept_bytes() <= 3 * large);
}

TEST_CASE("threads that hash at the same time each have a block of their own")
{
    BlockPool pool;
    std::vector<std::thread> threads;
    for (char mark = 1; mark <= 4; ++mark)
        threads.emplace_back([&pool, mark] {
            for (int i = 0; i < 200; ++i) {
                auto* const block = static_cast<char*>(pool.allocate(large));
                block[0] = block[large - 1] = mark;
                std::this_thread::yield();
                if (block[0] != mark || block[large - 1] != mark) std::abort();
                pool.release(block);
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    CHECK(pool.kept_bytes() <= 4 * large);
}

#ifndef FTPC_SANITIZED // with a sanitizer malloc itself ends the program
TEST_CASE("a failed allocation is not kept either")
{
    BlockPool pool;
    CHECK(pool.allocate(~std::size_t{0} / 2) == nullptr);
    CHECK(pool.kept_bytes() == 0);
}
#endif
