#include "server/users/hash_memory.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <openssl/crypto.h>

namespace ftpc::server {

namespace {

bool is_small(void* block)
{
    return ::malloc_usable_size(block) < BlockPool::least_size;
}

// Never taken apart: OpenSSL gives back its last memory when the process ends.
BlockPool& pool_of_process()
{
    static auto& pool = *new BlockPool;
    return pool;
}

} // namespace

BlockPool::~BlockPool()
{
    for (const Block& block : blocks_)
        std::free(block.memory);
}

void* BlockPool::allocate(std::size_t size)
{
    return size < least_size ? std::malloc(size) : take(size);
}

// The first free block that is large enough; else the first free one becomes as large; else there is one
// more.
void* BlockPool::take(std::size_t size)
{
    const std::scoped_lock lock{mutex_};
    const auto fits = [size](const Block& block) { return !block.in_use && block.size >= size; };
    const auto is_free = [](const Block& block) { return !block.in_use; };
    auto chosen = std::find_if(blocks_.begin(), blocks_.end(), fits);
    if (chosen == blocks_.end()) chosen = std::find_if(blocks_.begin(), blocks_.end(), is_free);
    if (chosen == blocks_.end()) chosen = blocks_.insert(chosen, Block{});
    if (chosen->size < size) {
        std::free(chosen->memory);
        *chosen = {std::malloc(size), size, false};
        if (chosen->memory == nullptr) {
            blocks_.erase(chosen);
            return nullptr;
        }
    }
    chosen->in_use = true;
    return chosen->memory;
}

void* BlockPool::resize(void* block, std::size_t size)
{
    if (block == nullptr) return allocate(size);
    if (size == 0) {
        release(block);
        return nullptr;
    }
    if (is_small(block) && size < least_size) return std::realloc(block, size);
    void* const moved = allocate(size);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, std::min(size, ::malloc_usable_size(block)));
    release(block);
    return moved;
}

void BlockPool::release(void* block)
{
    if (block == nullptr) return;
    if (!is_small(block)) {
        const std::scoped_lock lock{mutex_};
        if (Block* const kept = find(block)) {
            kept->in_use = false;
            return;
        }
    }
    std::free(block); // a small one, or one that malloc made larger than was asked
}

std::size_t BlockPool::kept_bytes() const
{
    const std::scoped_lock lock{mutex_};
    std::size_t sum = 0;
    for (const Block& block : blocks_)
        sum += block.size;
    return sum;
}

BlockPool::Block* BlockPool::find(const void* memory)
{
    const auto found = std::find_if(blocks_.begin(), blocks_.end(),
                                    [&](const Block& block) { return block.memory == memory; });
    return found != blocks_.end() ? &*found : nullptr;
}

void retain_hash_memory()
{
    const auto allocate = [](std::size_t size, const char*, int) { return pool_of_process().allocate(size); };
    const auto resize = [](void* block, std::size_t size, const char*, int) {
        return pool_of_process().resize(block, size);
    };
    const auto release = [](void* block, const char*, int) { pool_of_process().release(block); };
    if (CRYPTO_set_mem_functions(allocate, resize, release) != 1)
        throw std::logic_error{"OpenSSL has memory already"};
}

} // namespace ftpc::server
