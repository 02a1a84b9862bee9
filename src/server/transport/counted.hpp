// Counts living objects.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace ftpc::server {

// One more of `count`, as long as it lives; the count must outlive it.
class Counted {
public:
    explicit Counted(std::atomic<std::size_t>& count) : count_{&count} { ++*count_; }
    Counted(Counted&& other) noexcept : count_{std::exchange(other.count_, nullptr)} {}
    Counted& operator=(Counted&&) = delete;
    ~Counted()
    {
        if (count_ != nullptr) --*count_;
    }

private:
    std::atomic<std::size_t>* count_;
};

} // namespace ftpc::server
