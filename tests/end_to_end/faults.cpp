// Loaded into ftpcd with LD_PRELOAD (faults.py). Kills it at exactly the step that a test asks for, or lets a
// call of the C library fail or take long there. So the programs themselves have no fault points for an
// attacker.
//
// The file of FTPC_FAULTS says what to do. It is mapped once, when a process begins. So the test can change
// it while the processes run, and processes that may no longer open files read it all the same.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace {

enum Call : std::int32_t {
    any_call,
    call_openat,
    call_write,
    call_fchown,
    call_fchmod,
    call_fsync,
    call_renameat,
    call_syncfs,
    any_sync,
    call_fsync_directory
};
// Else: the errno to fail with.
enum Action : std::int32_t { kill_before = -1, kill_in_half = -2, hold = -3 };

// Laid out as faults.py packs it. Calls are numbered in all processes together.
struct Plan {
    // Empty: every call counts. Else the steps in which this file is replaced: calls on its temporary file
    // ".NAME.…", and the sync of the directory. Or those in which it is appended to.
    char file[32];
    std::uint64_t device;            // of what is synced; 0: any
    std::int32_t call;               // which one, or any_call
    std::int32_t skip;               // so many that match pass
    std::atomic<std::int32_t> times; // then so many get the action; 0: none, they are only counted
    std::atomic<std::int32_t> action;
    std::atomic<std::int32_t> matched; // by the test set to 0
    std::atomic<std::int32_t> hit;     // the last call that got the action
};

Plan* plan()
{
    static Plan* const mapped = [] {
        const char* path = std::getenv("FTPC_FAULTS");
        const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0) return static_cast<Plan*>(nullptr);
        void* memory = ::mmap(nullptr, sizeof(Plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        return memory == MAP_FAILED ? nullptr : static_cast<Plan*>(memory);
    }();
    return mapped;
}

__attribute__((constructor)) void map_while_files_may_be_opened()
{
    plan();
}

// The replacement of a file that this thread is at, or an addition to one.
struct Replacement {
    int file = -1;
    int directory = -1;
};
thread_local Replacement current;

bool is_temporary(std::string_view name)
{
    const std::string_view file = plan()->file;
    return !file.empty() && name.size() > file.size() + 2 && name[0] == '.' &&
           name.substr(1, file.size()) == file && name[file.size() + 1] == '.';
}

bool is_appended_to(std::string_view name, int flags)
{
    return (flags & O_APPEND) != 0 && plan()->file[0] != '\0' && name == plan()->file;
}

std::uint64_t device_of(int fd)
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_dev : 0;
}

bool is_directory(int fd)
{
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_call(Call wanted, Call call, int fd)
{
    if (wanted == any_sync) return call == call_fsync || call == call_syncfs;
    if (wanted == call_fsync_directory) return call == call_fsync && is_directory(fd);
    return wanted == any_call || wanted == call;
}

// Whether this call is the one that gets the action; counts it.
bool is_hit(Call call, bool of_file, int fd = -1)
{
    Plan* const p = plan();
    if (p != nullptr && p->device != 0 && p->device != device_of(fd)) return false;
    if (p == nullptr || (p->file[0] != '\0' && !of_file)) return false;
    if (!is_call(static_cast<Call>(p->call), call, fd)) return false;
    if (p->matched++ < p->skip) return false;
    if (p->times <= 0 || p->times-- <= 0) return false;
    p->hit = call;
    return true;
}

void die()
{
    ::kill(::getpid(), SIGKILL);
    ::_exit(137); // where a filter forbids kill(2)
}

void wait_for_another_plan()
{
    constexpr timespec moment{.tv_sec = 0, .tv_nsec = 5'000'000};
    while (plan()->action == hold)
        ::nanosleep(&moment, nullptr);
}

// -1 with errno, perhaps after a kill; 0 when the call is to be made.
int fault(Call call, bool of_file, int fd = -1)
{
    if (!is_hit(call, of_file, fd)) return 0;
    if (plan()->action == kill_before) die();
    if (plan()->action == hold) {
        wait_for_another_plan();
        return 0;
    }
    errno = plan()->action;
    return -1;
}

int open_file(int directory, const char* name, int flags, mode_t mode)
{
    const bool begins =
        plan() != nullptr && (((flags & O_CREAT) != 0 && is_temporary(name)) || is_appended_to(name, flags));
    if (fault(call_openat, begins) != 0) return -1;
    const int fd = static_cast<int>(::syscall(SYS_openat, directory, name, flags, mode));
    if (begins) current = {fd, directory};
    return fd;
}

bool is_current(int fd)
{
    return fd >= 0 && (fd == current.file || fd == current.directory);
}

} // namespace

// NOLINTBEGIN: the names and shapes are those of the C library
extern "C" {

int openat(int directory, const char* name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_file(directory, name, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t size)
{
    if (is_current(fd) && is_hit(call_write, true)) {
        if (plan()->action == kill_in_half) ::syscall(SYS_write, fd, bytes, size / 2);
        if (plan()->action < 0) die();
        errno = plan()->action;
        return -1;
    }
    return ::syscall(SYS_write, fd, bytes, size);
}

int fchown(int fd, uid_t user, gid_t group)
{
    if (fault(call_fchown, is_current(fd)) != 0) return -1;
    return static_cast<int>(::syscall(SYS_fchown, fd, user, group));
}

int fchmod(int fd, mode_t mode)
{
    if (fault(call_fchmod, is_current(fd)) != 0) return -1;
    return static_cast<int>(::syscall(SYS_fchmod, fd, mode));
}

int fsync(int fd)
{
    if (fault(call_fsync, is_current(fd), fd) != 0) return -1;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

int renameat(int from_directory, const char* from, int to_directory, const char* to)
{
    if (fault(call_renameat, plan() != nullptr && is_temporary(from)) != 0) return -1;
    current.file = -1; // closed by now, and its number free for others
    return static_cast<int>(::syscall(SYS_renameat2, from_directory, from, to_directory, to, 0));
}

int syncfs(int fd)
{
    if (fault(call_syncfs, false, fd) != 0) return -1;
    return static_cast<int>(::syscall(SYS_syncfs, fd));
}
}
// NOLINTEND
