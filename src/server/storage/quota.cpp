#include "server/storage/quota.hpp"

#include "shared/base/error.hpp"

#include <algorithm>
#include <thread>

namespace ftpc::server {

namespace {

// In multiples of the time that a count took: how long it is good, and how long the next one must wait. The
// second is for users at their limit that go on asking: each refusal needs a count.
constexpr int good_for = 20;
constexpr int rest_for = 4;
constexpr std::chrono::microseconds least_time{100}; // that a count is taken to have taken

} // namespace

HomeQuota::HomeQuota(Count count, std::function<Clock::time_point()> now)
    : count_{std::move(count)}, now_{std::move(now)}
{}

Result<HomeQuota::Permit> HomeQuota::take(std::uint64_t limit, Clock::time_point asked, bool may_count)
{
    std::unique_lock lock{mutex_, std::defer_lock};
    if (may_count)
        lock.lock();
    else if (!lock.try_lock())
        return Errc::must_count;
    const auto proves_refusal = [&] { return known_ && counted_from_ >= asked; };
    if (!is_fresh() || (used_ >= limit && !proves_refusal())) {
        if (!may_count) return Errc::must_count;
        if (const error_code failure = count_anew()) return failure;
    }
    // protection: quota
    if (used_ >= limit) return Errc::over_quota;
    return Permit{std::move(lock), used_};
}

error_code HomeQuota::count_anew()
{
    std::this_thread::sleep_for(next_count_not_before_ - now_());
    const auto begun = now_();
    const auto counted = count_();
    const auto took = std::max<Clock::duration>(now_() - begun, least_time);
    next_count_not_before_ = now_() + rest_for * took;
    if (!counted) return counted.error();
    known_ = true;
    used_ = *counted;
    counted_from_ = begun;
    good_until_ = begun + good_for * took;
    return {};
}

} // namespace ftpc::server
