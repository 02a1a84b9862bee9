#include "benchmark/login_load.hpp"

#include "benchmark/event_loop.hpp"
#include "benchmark/statistics.hpp"

namespace ftpc::benchmark {

namespace {

class Logins : private FtpSession::Owner {
public:
    Logins(const Target& target, SSL_CTX* context, const Credentials& credentials, unsigned at_once)
        : target_{target}, context_{context}, credentials_{credentials}, slots_(at_once)
    {}

    boost::json::object run(double seconds)
    {
        const double cpu = own_cpu_seconds();
        begin_ = Clock::now();
        for (std::size_t i = 0; i < slots_.size(); ++i)
            connect(i);
        last_ = begin_;
        while (seconds_since(begin_) < seconds) {
            loop_.round(100);
            renew();
        }
        // Up to the last login: with slow ones the rest of the time would count as idle.
        const double taken = std::chrono::duration<double>(last_ - begin_).count();
        return {{"logins", logins_},
                {"seconds", taken},
                {"per_second", taken > 0 ? static_cast<double>(logins_) / taken : 0.0},
                {"generator_cpu_seconds", own_cpu_seconds() - cpu},
                {"latency", latencies_.to_json()}};
    }

private:
    struct Slot {
        std::unique_ptr<FtpSession> session;
        Clock::time_point begin;
    };

    void connect(std::size_t slot)
    {
        FtpSession::Owner& self = *this;
        slots_[slot].begin = Clock::now();
        slots_[slot].session = std::make_unique<FtpSession>(target_, context_, credentials_, self, slot);
        loop_.add(*slots_[slot].session);
    }

    // A session cannot be replaced within its own call.
    void renew()
    {
        renewing_.swap(done_); // connecting may finish a handshake at once
        for (const auto slot : renewing_) {
            slots_[slot].session->say_goodbye();
            slots_[slot].session.reset();
            connect(slot);
        }
        renewing_.clear();
    }

    void on_ready(FtpSession& session) override
    {
        last_ = Clock::now();
        ++logins_;
        latencies_.record(last_ - slots_[session.number()].begin);
        done_.push_back(session.number());
    }
    void on_reply(FtpSession&, const Reply&) override {}

    const Target& target_;
    SSL_CTX* context_;
    const Credentials& credentials_;
    EventLoop loop_;
    std::vector<Slot> slots_;
    std::vector<std::size_t> done_;
    std::vector<std::size_t> renewing_;
    Clock::time_point begin_;
    Clock::time_point last_;
    std::uint64_t logins_ = 0;
    Latencies latencies_;
};

} // namespace

boost::json::object run_logins(const Target& target, SSL_CTX* context, const Credentials& credentials,
                               unsigned at_once, double seconds)
{
    return Logins{target, context, credentials, at_once}.run(seconds);
}

} // namespace ftpc::benchmark
