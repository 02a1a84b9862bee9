// The memory for the hashes of the auth process. scrypt takes one block of tens of MiB for each and gives it
// back. With malloc the kernel maps and clears it anew each time, which takes a third of the time of a hash.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace ftpc::server {

// Keeps large blocks for the next hash: as many as were in use at the same time, each as large as the largest
// request. Small ones are malloc's. For any thread.
class BlockPool {
public:
    static constexpr std::size_t least_size = std::size_t{256} << 10U; // of a block that is kept

    BlockPool() = default;
    BlockPool(const BlockPool&) = delete;
    BlockPool& operator=(const BlockPool&) = delete;
    // Frees the kept blocks. No block may be in use.
    ~BlockPool();

    // As malloc(3), realloc(3) and free(3) for blocks of this pool.
    void* allocate(std::size_t size);
    void* resize(void* block, std::size_t size);
    void release(void* block);

    std::size_t kept_bytes() const; // in use or not

private:
    struct Block {
        void* memory = nullptr;
        std::size_t size = 0;
        bool in_use = false;
    };
    void* take(std::size_t size);
    Block* find(const void* memory);

    mutable std::mutex mutex_;
    std::vector<Block> blocks_;
};

// Has OpenSSL take the memory of this process from a pool. Call it once, before any other use of OpenSSL;
// throws std::logic_error if it is too late.
void retain_hash_memory();

} // namespace ftpc::server
