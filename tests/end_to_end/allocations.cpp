// Loaded into ftpcd with LD_PRELOAD (allocations_test.py): counts how often the program itself, and not a
// library, asks for memory. FTPC_ALLOCATIONS names the file that the number stands in, of all processes
// together; it is mapped once, since processes that may no longer open files count all the same.

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t size);                          // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t size);       // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* memory, std::size_t size);           // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t alignment, std::size_t size); // NOLINT(bugprone-reserved-identifier)
}

namespace {

std::atomic<std::uint64_t>* counter = nullptr;
std::uintptr_t program_begin = 0;
std::uintptr_t program_end = 0;

// The program is the first object that is told of.
int find_program(dl_phdr_info* object, std::size_t, void*)
{
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
        program_begin = object->dlpi_addr + segment.p_vaddr;
        program_end = program_begin + segment.p_memsz;
    }
    return 1;
}

__attribute__((constructor)) void begin_to_count()
{
    const char* const path = std::getenv("FTPC_ALLOCATIONS");
    const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void* const memory = ::mmap(nullptr, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) return;
    ::dl_iterate_phdr(find_program, nullptr);
    counter = static_cast<std::atomic<std::uint64_t>*>(memory);
}

void count(const void* caller)
{
    const auto address = reinterpret_cast<std::uintptr_t>(caller);
    if (counter != nullptr && address >= program_begin && address < program_end) ++*counter;
}

} // namespace

extern "C" {

void* malloc(std::size_t size)
{
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size)
{
    count(__builtin_return_address(0));
    return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size)
{
    count(__builtin_return_address(0));
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}

} // extern "C"
