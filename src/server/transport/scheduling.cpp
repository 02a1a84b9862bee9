#include "server/transport/scheduling.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace ftpc::server {

namespace {

// struct sched_attr of sched_setattr(2), its first version; the kernel's header clashes with glibc's here.
struct SchedulingAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime; // nanoseconds, and so are the next two
    std::uint64_t deadline;
    std::uint64_t period;
};

constexpr pid_t this_thread = 0;
constexpr unsigned no_flags = 0;

} // namespace

void ask_for_time_slices(std::chrono::nanoseconds length)
{
    SchedulingAttributes attributes{};
    if (::syscall(SYS_sched_getattr, this_thread, &attributes, sizeof attributes, no_flags) != 0) return;
    if (attributes.policy != SCHED_OTHER) return;
    attributes.runtime = static_cast<std::uint64_t>(length.count());
    ::syscall(SYS_sched_setattr, this_thread, &attributes, no_flags); // nice stays as it is
}

std::vector<int> allowed_processors()
{
    cpu_set_t allowed;
    if (::sched_getaffinity(this_thread, sizeof allowed, &allowed) != 0) return {};
    std::vector<int> numbers;
    for (int i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(i, &allowed)) numbers.push_back(i);
    return numbers;
}

void OwnProcessor::keep_to(bool own)
{
    if (own == std::exchange(kept_, own)) return;
    cpu_set_t allowed;
    if (::sched_getaffinity(::getpid(), sizeof allowed, &allowed) != 0) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(number_, &one);
    const bool possible = CPU_ISSET(number_, &allowed);
    ::sched_setaffinity(this_thread, sizeof allowed, own && possible ? &one : &allowed);
}

} // namespace ftpc::server
