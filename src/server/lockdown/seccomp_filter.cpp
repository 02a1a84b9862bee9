#include "server/lockdown/seccomp_filter.hpp"

#include "server/lockdown/forbidden_call_report.hpp"
#include "server/lockdown/sanitizer_needs.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include <initializer_list>
#include <memory>
#include <new>
#include <string_view>

namespace ftpc::server {

namespace {

constexpr scmp_datum_t whole_int = 0xffffffff; // the kernel looks at the lower half of an int argument only

// The argument `index`, an int, is `value`.
scmp_arg_cmp is(unsigned index, unsigned value)
{
    return {index, SCMP_CMP_MASKED_EQ, whole_int, value};
}

// Of the bits in `mask`, exactly those in `value` are set.
scmp_arg_cmp bits(unsigned index, unsigned mask, unsigned value)
{
    return {index, SCMP_CMP_MASKED_EQ, mask, value};
}

// It is another value, at least in the half that the kernel does not look at.
scmp_arg_cmp is_not(unsigned index, unsigned value)
{
    return {index, SCMP_CMP_NE, value, 0};
}

scmp_arg_cmp is_null(unsigned index)
{
    return {index, SCMP_CMP_EQ, 0, 0};
}

class Filter {
public:
    explicit Filter(OnForbiddenCall action)
        : context_{::seccomp_init(action == OnForbiddenCall::kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_TRAP),
                   ::seccomp_release}
    {
        if (!context_) throw std::bad_alloc{};
        set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        set(SCMP_FLTATR_CTL_NNP, 0); // it is set already
        set(SCMP_FLTATR_CTL_TSYNC, 1);
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2); // a binary search instead of a list
        set(SCMP_FLTATR_API_SYSRAWRC, 1); // the system's own error instead of ECANCELED
    }

    // Calls that this architecture does not have are left out by libseccomp.
    void allow(std::span<const int> calls)
    {
        for (const int call : calls)
            add(SCMP_ACT_ALLOW, call, {});
    }
    void allow(std::initializer_list<int> calls) { allow(std::span{calls.begin(), calls.size()}); }
    void allow_if(int call, std::initializer_list<scmp_arg_cmp> conditions)
    {
        add(SCMP_ACT_ALLOW, call, conditions);
    }
    void fail_with(int error, int call, std::initializer_list<scmp_arg_cmp> conditions = {})
    {
        add(SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, conditions);
    }

    Result<void> load()
    {
        if (failure_ == 0) failure_ = ::seccomp_load(context_.get());
        if (failure_ != 0) return error_code{-failure_, boost::system::system_category()};
        return {};
    }

private:
    void set(scmp_filter_attr attribute, std::uint32_t value)
    {
        if (failure_ == 0) failure_ = ::seccomp_attr_set(context_.get(), attribute, value);
    }
    void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> conditions)
    {
        if (failure_ == 0)
            failure_ = ::seccomp_rule_add_array(context_.get(), action, call,
                                                static_cast<unsigned>(conditions.size()), conditions.begin());
    }

    std::unique_ptr<void, decltype(&::seccomp_release)> context_;
    int failure_ = 0; // of the first call that failed
};

// ---- what net and auth may do

// New memory is never executable, so that nobody can bring code along.
void allow_memory(Filter& filter)
{
    filter.allow({SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise)});
    if (sanitizer_build) return filter.allow({SCMP_SYS(mmap), SCMP_SYS(mprotect)});
    filter.allow_if(SCMP_SYS(mmap), {bits(2, PROT_EXEC, 0)});
    filter.allow_if(SCMP_SYS(mprotect), {bits(2, PROT_EXEC, 0)});
}

// Threads, but neither processes nor new namespaces. The flags of clone3 stand in memory, where no filter
// sees them; told that there is none, the C library uses clone.
void allow_threads(Filter& filter)
{
    constexpr unsigned of_every_thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    constexpr unsigned foreign = CLONE_VFORK | CLONE_PARENT | CLONE_PTRACE | CLONE_NEWNS | CLONE_NEWCGROUP |
                                 CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
                                 CLONE_IO;
    if (sanitizer_build)
        filter.allow({SCMP_SYS(clone), SCMP_SYS(prctl), SCMP_SYS(prlimit64)});
    else
        filter.allow_if(SCMP_SYS(clone), {bits(0, of_every_thread | foreign, of_every_thread)});
    filter.fail_with(ENOSYS, SCMP_SYS(clone3));
    filter.allow({SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
                  SCMP_SYS(sched_getaffinity), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(exit),
                  SCMP_SYS(exit_group)});
    if (sanitizer_build) return;
    filter.allow_if(SCMP_SYS(prctl), {is(0, PR_SET_NAME)});
    filter.allow_if(SCMP_SYS(prlimit64), {is(0, 0), is_null(2)}); // reads a limit of its own
}

// Signals of one's own, with which abort() ends a process so that it shows; none to others.
void allow_signals(Filter& filter)
{
    filter.allow({SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                  SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall)});
    const auto own = static_cast<unsigned>(::getpid());
    filter.allow_if(SCMP_SYS(tgkill), {is(0, own)});
    filter.allow_if(SCMP_SYS(kill), {is(0, own)});
}

void allow_event_loop(Filter& filter)
{
    filter.allow({SCMP_SYS(epoll_create1),
                  SCMP_SYS(epoll_ctl),
                  SCMP_SYS(epoll_wait),
                  SCMP_SYS(epoll_pwait),
                  SCMP_SYS(eventfd2),
                  SCMP_SYS(timerfd_create),
                  SCMP_SYS(timerfd_settime),
                  SCMP_SYS(timerfd_gettime),
                  SCMP_SYS(poll),
                  SCMP_SYS(ppoll),
                  SCMP_SYS(clock_gettime),
                  SCMP_SYS(clock_getres),
                  SCMP_SYS(clock_nanosleep),
                  SCMP_SYS(nanosleep),
                  SCMP_SYS(gettimeofday),
                  SCMP_SYS(time),
                  SCMP_SYS(getrandom),
                  SCMP_SYS(sysinfo),
                  SCMP_SYS(getuid),
                  SCMP_SYS(geteuid),
                  SCMP_SYS(getgid),
                  SCMP_SYS(getegid)});
}

// The uses of descriptors that are open already. fcntl can also name a receiver of signals (F_SETOWN), and
// ioctl does anything at all: some of their requests only.
void allow_open_descriptors(Filter& filter)
{
    filter.allow({SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
                  SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
                  SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(fstatfs), SCMP_SYS(getdents64),
                  SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(syncfs), SCMP_SYS(recvmsg)});
    for (const int request : {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC})
        filter.allow_if(SCMP_SYS(fcntl), {is(1, static_cast<unsigned>(request))});
    for (const unsigned request : {static_cast<unsigned>(FIONBIO), static_cast<unsigned>(FIONREAD)})
        filter.allow_if(SCMP_SYS(ioctl), {is(1, request)});
    if (sanitizer_build)
        filter.allow_if(SCMP_SYS(ioctl), {is(1, TCGETS)}); // whether a report goes to a terminal
    // MSG_FASTOPEN connects, past Landlock's rule for connect(2) in kernels of our time.
    filter.allow_if(SCMP_SYS(sendmsg), {bits(2, MSG_FASTOPEN, 0)});
}

void allow_common(Filter& filter)
{
    allow_memory(filter);
    allow_threads(filter);
    allow_signals(filter);
    allow_event_loop(filter);
    allow_open_descriptors(filter);
    filter.allow(sanitizer_calls());
}

// ---- net

// Directories may be opened. Anything else is refused, and the process goes on: a library may look for a file
// that it can do without. (The flags of openat2 stand in memory; Landlock sees to that.)
void allow_directories(Filter& filter)
{
    filter.allow({SCMP_SYS(openat2), SCMP_SYS(mkdirat)});
    if (sanitizer_build) return filter.allow({SCMP_SYS(openat)});
    constexpr unsigned writing = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    filter.allow_if(SCMP_SYS(openat), {bits(2, O_DIRECTORY | O_ACCMODE | writing, O_DIRECTORY | O_RDONLY)});
    filter.fail_with(EACCES, SCMP_SYS(openat), {bits(2, O_DIRECTORY, 0)});
    for (const unsigned flag : {unsigned{O_WRONLY}, unsigned{O_RDWR}, unsigned{O_CREAT}, unsigned{O_TRUNC},
                                unsigned{O_TMPFILE & ~O_DIRECTORY}})
        filter.fail_with(EACCES, SCMP_SYS(openat), {bits(2, O_DIRECTORY | flag, O_DIRECTORY | flag)});
}

scmp_arg_cmp compare(unsigned index, scmp_compare how, unsigned value)
{
    return {index, how, value, 0};
}

// Some options of their level, in ascending order. The others do not exist, so that a library which asks for
// one goes on without it. (A rule can name an argument once only.)
void allow_options(Filter& filter, int call, unsigned level, std::initializer_list<unsigned> names)
{
    filter.fail_with(ENOPROTOOPT, call, {is(1, level), compare(2, SCMP_CMP_LT, *names.begin())});
    filter.fail_with(ENOPROTOOPT, call, {is(1, level), compare(2, SCMP_CMP_GT, *(names.end() - 1))});
    unsigned next = *names.begin();
    for (const unsigned name : names) {
        for (; next < name; ++next)
            filter.fail_with(ENOPROTOOPT, call, {is(1, level), compare(2, SCMP_CMP_EQ, next)});
        filter.allow_if(call, {is(1, level), compare(2, SCMP_CMP_EQ, name)});
        next = name + 1;
    }
}

// Connections are accepted from sockets that the supervisor has opened; none is made. Those sockets outlive
// this process, so nothing is allowed that would spoil them for the next one.
void allow_accepted_connections(Filter& filter)
{
    filter.allow({SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(getsockname),
                  SCMP_SYS(getpeername)});
    filter.allow_if(SCMP_SYS(sendto), {bits(3, MSG_FASTOPEN, 0), is_null(4)});
    // SHUT_WR does nothing to a socket that listens; the others end it for every process.
    // protection: shared-sockets
    filter.allow_if(SCMP_SYS(shutdown), {is(1, SHUT_WR)});
    // protection: shared-sockets-others
    filter.fail_with(EPERM, SCMP_SYS(shutdown), {is_not(1, SHUT_WR)});
    allow_options(filter, SCMP_SYS(setsockopt), IPPROTO_TCP, {TCP_NODELAY});
    // By SO_LINGER a transfer that fails ends with a reset.
    allow_options(filter, SCMP_SYS(setsockopt), SOL_SOCKET, {SO_KEEPALIVE, SO_LINGER});
    allow_options(filter, SCMP_SYS(getsockopt), SOL_SOCKET, {SO_INCOMING_CPU});
}

// adjtimex(3) with nothing to change, for SITE TIME and NTP; the C library calls one or the other. No filter
// sees what it asks for, which stands in memory. Without CAP_SYS_TIME the kernel lets it read only.
void allow_reading_kernel_clock(Filter& filter)
{
    filter.allow({SCMP_SYS(adjtimex)});
    filter.allow_if(SCMP_SYS(clock_adjtime), {is(0, CLOCK_REALTIME)});
}

// ---- auth

// Which files, Landlock says.
void allow_files(Filter& filter)
{
    filter.allow({SCMP_SYS(openat), SCMP_SYS(pwrite64), SCMP_SYS(ftruncate), SCMP_SYS(fchmod),
                  SCMP_SYS(fchown), SCMP_SYS(flock), SCMP_SYS(renameat), SCMP_SYS(renameat2),
                  SCMP_SYS(unlinkat), SCMP_SYS(faccessat), SCMP_SYS(faccessat2)});
    for (const int request : {F_SETLEASE, F_SETSIG}) // whether somebody is writing users.db
        filter.allow_if(SCMP_SYS(fcntl), {is(1, static_cast<unsigned>(request))});
}

void allow_those_of_auth(Filter& filter)
{
    allow_common(filter);
    allow_files(filter);
    filter.allow_if(SCMP_SYS(setpriority), {is(0, PRIO_PROCESS), is(1, 0)}); // of the calling thread
}

void allow_those_of_net(Filter& filter)
{
    allow_common(filter);
    allow_directories(filter);
    allow_accepted_connections(filter);
    allow_reading_kernel_clock(filter);
    filter.allow({SCMP_SYS(getppid)});                        // whether the supervisor is gone
    filter.allow_if(SCMP_SYS(sched_setaffinity), {is(0, 0)}); // of the calling thread
}

// ---- time

// It has one thread, its sockets and the control channel. It changes none of its sockets: they outlive it.
void allow_those_of_time(Filter& filter)
{
    allow_reading_kernel_clock(filter);
    filter.allow({SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg)});
    if (sanitizer_build) {
        filter.allow({SCMP_SYS(openat)});
        return allow_common(filter);
    }
    allow_memory(filter);
    allow_signals(filter);
    filter.allow({SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(write),
                  SCMP_SYS(close), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
                  SCMP_SYS(getrandom), SCMP_SYS(futex), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(exit),
                  SCMP_SYS(exit_group)});
}

void allow_those_of(Locked process, Filter& filter)
{
    switch (process) {
    case Locked::net:
        return allow_those_of_net(filter);
    case Locked::auth:
        return allow_those_of_auth(filter);
    case Locked::time:
        return allow_those_of_time(filter);
    }
}

std::string_view log_name_of(Locked process)
{
    switch (process) {
    case Locked::net:
        return "ftpcd[net]";
    case Locked::auth:
        return "ftpcd[auth]";
    case Locked::time:
        return "ftpcd[time]";
    }
    return "ftpcd";
}

} // namespace

Result<void> seccomp_works()
{
    const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
    if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0) return last_system_error();
    return {};
}

Result<void> filter_system_calls(Locked process, OnForbiddenCall action)
{
    if (const auto works = seccomp_works(); !works) return works;
    Filter filter{action};
    allow_those_of(process, filter);
    if (action == OnForbiddenCall::name_it) name_forbidden_calls(log_name_of(process));
    // protection: seccomp
    return filter.load();
}

} // namespace ftpc::server
