#include "server/directories/serve_lock.hpp"

#include "shared/files/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

namespace ftpc::server {

UniqueFd lock_for_serving(int data, const std::string& path)
{
    UniqueFd lock{::openat(data, "serve.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!lock) throw std::runtime_error{path + "/serve.lock: " + last_system_error().message()};
    // protection: one-server
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            throw std::runtime_error{path + "/serve.lock: " + last_system_error().message()};
        const auto holder = read_all(lock.get(), 32);
        throw std::runtime_error{path + " is being served already" +
                                 (holder && !holder->empty() ? " by process " + *holder : std::string{})};
    }
    const std::string own = std::to_string(::getpid());
    // Only for the message above; the lock itself holds without it.
    if (::ftruncate(lock.get(), 0) == 0) [[maybe_unused]]
        const auto written = ::pwrite(lock.get(), own.data(), own.size(), 0);
    return lock;
}

bool is_served(const std::string& path)
{
    const UniqueFd lock{::open((path + "/serve.lock").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

} // namespace ftpc::server
