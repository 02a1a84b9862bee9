// A file descriptor with one owner, closed at the end of its life.
#pragma once

#include <unistd.h>

#include <utility>

namespace ftpc {

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_{fd} {}
    UniqueFd(UniqueFd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    UniqueFd& operator=(UniqueFd&& other) noexcept
    {
        const int taken = std::exchange(other.fd_, -1); // first: assigning to itself changes nothing
        close();
        fd_ = taken;
        return *this;
    }
    ~UniqueFd() { close(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset()
    {
        close();
        fd_ = -1;
    }

private:
    void close() const
    {
        if (fd_ >= 0) ::close(fd_);
    }

    int fd_ = -1;
};

} // namespace ftpc
