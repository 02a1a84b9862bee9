#include "server/auth/hash_memory.hpp"

#include <malloc.h>

#include <limits>

namespace ftpc::server {

// Measured with scrypt ln=15,r=8,p=3 on two cores, with one thread and with two: a call takes about 300 ms
// with memory that the kernel maps and clears anew each time, about 205 ms with memory that stays.
void retain_hash_memory()
{
    ::mallopt(M_ARENA_MAX, 1);                                    // each arena would keep memory of its own
    ::mallopt(M_MMAP_MAX, 0);                                     // large blocks come from the heap, too, ...
    ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max()); // ... which never shrinks
}

} // namespace ftpc::server
