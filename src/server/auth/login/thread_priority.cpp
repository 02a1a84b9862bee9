#include "server/auth/login/thread_priority.hpp"

#include <sys/resource.h>

namespace ftpc::server {

namespace {

constexpr int worker_nice = 5;

} // namespace

void lower_thread_priority() noexcept
{
    static_cast<void>(::setpriority(PRIO_PROCESS, 0, worker_nice));
}

} // namespace ftpc::server
