// Quotas: how many directories a home holds, kept exact for all sessions that work in it.
//
// The directories themselves are the only record: the home is walked and counted, and each new directory is
// added. Changes by other processes are not seen. So a count is good only for 20 times as long as it took,
// which bounds the cost of counting to a twentieth. A refusal needs a count that began after the refused
// command came.
#pragma once

#include "shared/base/result.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace ftpc::server {

class HomeQuota {
public:
    using Clock = std::chrono::steady_clock;
    // How many directories are there now. May take long.
    using Count = std::function<Result<std::uint64_t>()>;

    explicit HomeQuota(Count count, std::function<Clock::time_point()> now = Clock::now);

    // Permission to make one directory. While it lives nobody else gets one for this home.
    class Permit {
    public:
        void made() { ++*used_; } // once the directory is there
    private:
        friend class HomeQuota;
        Permit(std::unique_lock<std::mutex> lock, std::uint64_t& used) : lock_{std::move(lock)}, used_{&used}
        {}
        std::unique_lock<std::mutex> lock_;
        std::uint64_t* used_;
    };

    // For a command that came at `asked`, of a user who may have `limit` directories. Fails with
    // Errc::over_quota, or with the error that stopped the count. Without `may_count`, fails with
    // Errc::must_count if they must be counted first, or another thread is counting.
    Result<Permit> take(std::uint64_t limit, Clock::time_point asked, bool may_count);

private:
    bool is_fresh() const { return known_ && now_() < good_until_; }
    error_code count_anew();

    Count count_;
    std::function<Clock::time_point()> now_;
    std::mutex mutex_;
    std::uint64_t used_ = 0;
    bool known_ = false;
    Clock::time_point counted_from_; // when the last count began
    Clock::time_point good_until_;   // when it is too old
    Clock::time_point next_count_not_before_;
};

// The quota of the command under way: the tree asks it.
struct Allowance {
    std::shared_ptr<HomeQuota> home;
    std::uint64_t limit = 0;
    HomeQuota::Clock::time_point asked;

    Result<HomeQuota::Permit> take(bool may_count) const { return home->take(limit, asked, may_count); }
};

} // namespace ftpc::server
