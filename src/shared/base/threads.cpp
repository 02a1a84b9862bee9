#include "shared/base/threads.hpp"

#include "shared/base/result.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ftpc {

std::thread start_thread(std::function<void()> work)
{
    try {
        return std::thread{std::move(work)};
    } catch (const std::system_error& error) {
        throw std::runtime_error{"cannot start a thread: " + why_no_process(error.code().value())};
    }
}

std::string why_no_process(int number)
{
    std::string why = error_code{number, boost::system::system_category()}.message();
    if (number == EAGAIN)
        why += "; raise the limit of processes and threads (ulimit -u, TasksMax= of a unit, the limit of "
               "pids of "
               "a container), or that of memory (ulimit -v)";
    return why;
}

} // namespace ftpc
