// Loaded into ftpcd with LD_PRELOAD (shifted_clock.py): sets the system's clock off by the seconds in the
// file of FTPC_CLOCK. The steady clock stays. The file is mapped once, when a process begins. So the test can
// change it while the processes run, and processes that may no longer open files read it all the same.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

std::atomic<std::int64_t>* shift()
{
    static auto* const mapped = []() -> std::atomic<std::int64_t>* {
        const char* path = std::getenv("FTPC_CLOCK");
        const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return nullptr;
        void* memory = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
        ::close(fd);
        return memory == MAP_FAILED ? nullptr : static_cast<std::atomic<std::int64_t>*>(memory);
    }();
    return mapped;
}

__attribute__((constructor)) void map_while_files_may_be_opened()
{
    shift();
}

} // namespace

// NOLINTBEGIN: the names and shapes are those of the C library
extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept
{
    const int result = static_cast<int>(::syscall(SYS_clock_gettime, clock, out));
    if (result == 0 && clock == CLOCK_REALTIME && shift() != nullptr) out->tv_sec += *shift();
    return result;
}

time_t time(time_t* out) noexcept
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(timeval* out, void*) noexcept
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    *out = {now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
}
// NOLINTEND
