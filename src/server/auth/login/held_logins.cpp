#include "server/auth/login/held_logins.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <random>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

class HeldLogins::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& loop, std::size_t capacity) : timer_{loop}, capacity_{capacity} {}

    void hold(std::chrono::milliseconds delay, HashJob job)
    {
        held_.emplace(asio::steady_timer::clock_type::now() + delay, std::move(job));
        HashJob displaced;
        if (held_.size() > capacity_) {
            const auto chosen = std::next(held_.begin(), pick_(random_, Pick::param_type{0, last_place()}));
            displaced = std::move(chosen->second);
            held_.erase(chosen);
        }
        wait();
        if (displaced.refuse) displaced.refuse();
    }

    void stop()
    {
        held_.clear();
        timer_.cancel();
    }
    std::size_t size() const { return held_.size(); }

private:
    using Held = std::multimap<asio::steady_timer::time_point, HashJob>;
    using Pick = std::uniform_int_distribution<std::ptrdiff_t>;

    std::ptrdiff_t last_place() const { return static_cast<std::ptrdiff_t>(held_.size()) - 1; }

    void wait()
    {
        if (held_.empty()) return;
        timer_.expires_at(held_.begin()->first);
        timer_.async_wait([self = weak_from_this()](const boost::system::error_code& failure) {
            const auto alive = self.lock();
            if (!failure && alive) alive->run_those_due();
        });
    }

    void run_those_due()
    {
        const auto now = asio::steady_timer::clock_type::now();
        while (!held_.empty() && held_.begin()->first <= now) {
            const HashJob job = std::move(held_.begin()->second);
            held_.erase(held_.begin());
            job.run();
        }
        wait();
    }

    asio::steady_timer timer_;
    std::size_t capacity_;
    Held held_;
    std::mt19937_64 random_{std::random_device{}()};
    Pick pick_;
};

HeldLogins::HeldLogins(asio::io_context& loop, std::size_t capacity)
    : impl_{std::make_shared<Impl>(loop, capacity)}
{}

HeldLogins::~HeldLogins()
{
    impl_->stop();
}

void HeldLogins::hold(std::chrono::milliseconds delay, HashJob job)
{
    impl_->hold(delay, std::move(job));
}

std::size_t HeldLogins::size() const
{
    return impl_->size();
}

} // namespace ftpc::server
