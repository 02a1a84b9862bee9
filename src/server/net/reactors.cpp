#include "server/net/reactors.hpp"

#include "server/ftp/connection.hpp"
#include "server/log/log.hpp"
#include "server/transport/busy_poll.hpp"
#include "server/transport/counted.hpp"
#include "server/transport/reused_block.hpp"
#include "server/transport/scheduling.hpp"

#include <boost/asio.hpp>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds stop_time{1};
// Handlers of Asio's in one turn; none is begun after so long, since one may be a whole turn of a connection.
constexpr std::size_t most_others = 8;
constexpr std::chrono::microseconds others_time{500};
// While sockets keep the thread busy: to ask Asio is a system call.
constexpr std::chrono::microseconds others_wait{200};

namespace {

// `count` goes last.
asio::awaitable<void> serve_connection([[maybe_unused]] Counted count, std::unique_ptr<Connection> connection)
{
    co_await connection->run();
    connection.reset();
}

void report_end(const std::exception_ptr& failure)
{
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        log_event("connection-failed", {{"error", error.what()}});
    }
}

std::size_t number_of_reactors(const Settings& settings)
{
    return settings.reactors != 0 ? settings.reactors : std::max(1U, std::thread::hardware_concurrency());
}

} // namespace

void end_those_overdue(Services& services)
{
    const auto now = Connection::Clock::now();
    for (const auto& [id, connection] : services.connections)
        connection->end_if_overdue(now);
}

// ---- one

class Reactor::Impl {
public:
    Impl(const SharedServices& shared, const Settings& settings, const TlsContext& tls,
         std::optional<int> processor)
        : poller_{io_}, sockets_ready_{io_, poller_.descriptor()}, services_{shared, io_, poller_, settings,
                                                                             tls}
    {
        asio::co_spawn(io_, watch_deadlines(), asio::detached);
        if (processor) processor_.emplace(*processor);
        thread_ = std::thread{[this] { run(); }};
    }
    ~Impl()
    {
        io_.stop();
        thread_.join();
        sockets_ready_.release(); // the poller's
        poller_.abandon();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    asio::io_context& io() { return io_; }
    Services& services() { return services_; }
    std::size_t connections() const { return connections_; }

    void serve(std::unique_ptr<Connection> connection)
    {
        asio::co_spawn(io_, serve_connection(Counted{connections_}, std::move(connection)), report_end);
    }

    bool stop()
    {
        io_.stop();
        return ended_.get_future().wait_for(stop_time) == std::future_status::ready;
    }

private:
    void run()
    {
        try {
            while (!io_.stopped())
                take_turn();
        } catch (const std::exception& error) { // the supervisor starts another net
            log_event("reactor-failed", {{"error", error.what()}});
            ::_exit(EXIT_FAILURE);
        }
        services_.log.flush();
        ended_.set_value();
    }

    void take_turn()
    {
        const bool sockets_were_ready = poller_.poll() != 0;
        const bool others_are_due = !sockets_were_ready || turn_ended_ - others_polled_ >= others_wait;
        if (!(others_are_due && poll_others() != 0) && !sockets_were_ready) {
            const std::chrono::microseconds most{services_.settings.busy_poll};
            if (busy_poll_.looks_again(most, BusyPoll::Clock::now())) {
                ::sched_yield(); // the client that is waited for may need this very processor
                return;
            }
            sleep();
        }
        if (processor_) processor_->keep_to(services_.strangers == 0);
        turn_ended_ = BusyPoll::Clock::now();
        busy_poll_.worked(turn_ended_);
    }

    // What is not about sockets; a few only, since those who flood post themselves again and again.
    std::size_t poll_others()
    {
        others_polled_ = turn_ended_;
        const auto end = BusyPoll::Clock::now() + others_time;
        std::size_t done = 0;
        while (done < most_others && io_.poll_one() > 0) {
            ++done;
            if (BusyPoll::Clock::now() > end) break;
        }
        return done;
    }

    // The loop has the poller's epoll all the time: to add it costs the kernel a look at each of its sockets.
    void sleep()
    {
        sockets_ready_.async_wait(asio::posix::stream_descriptor::wait_read,
                                  asio::bind_allocator(wait_memory_.allocator(), [](error_code) {}));
        io_.run_one();
        sockets_ready_.cancel();
    }

    asio::awaitable<void> watch_deadlines()
    {
        asio::steady_timer timer{io_};
        while (true) {
            timer.expires_after(std::chrono::seconds{1});
            co_await timer.async_wait(use_awaitable);
            end_those_overdue(services_);
        }
    }

    std::atomic<std::size_t> connections_ = 0; // before the loop, which holds what counts here
    ReusedBlock wait_memory_;
    asio::io_context io_{1};
    SocketPoller poller_;
    asio::posix::stream_descriptor sockets_ready_;
    Services services_;
    BusyPoll busy_poll_;
    BusyPoll::Clock::time_point turn_ended_{};    // the last that had something to do
    BusyPoll::Clock::time_point others_polled_{}; // or, before the last look at them, had ended
    std::optional<OwnProcessor> processor_;
    std::promise<void> ended_;
    std::thread thread_;
};

Reactor::Reactor(const SharedServices& shared, const Settings& settings, const TlsContext& tls,
                 std::optional<int> processor)
    : impl_{std::make_unique<Impl>(shared, settings, tls, processor)}
{}

Reactor::~Reactor() = default;

asio::io_context& Reactor::io()
{
    return impl_->io();
}

Services& Reactor::services()
{
    return impl_->services();
}

void Reactor::post(std::function<void()> work)
{
    asio::post(impl_->io(), std::move(work));
}

void Reactor::serve(std::unique_ptr<Connection> connection)
{
    impl_->serve(std::move(connection));
}

std::size_t Reactor::connections() const
{
    return impl_->connections();
}

bool Reactor::stop()
{
    return impl_->stop();
}

// ---- all

Reactors::Reactors(const SharedServices& shared, const Settings& settings, const TlsContext& tls)
{
    const std::size_t number = number_of_reactors(settings);
    const std::vector<int> processors = allowed_processors();
    // With fewer threads than processors it would be a guess which of them are free.
    const bool keep = settings.pin_reactors && processors.size() == number;
    for (std::size_t i = 0; i < number; ++i)
        reactors_.push_back(std::make_unique<Reactor>(shared, settings, tls,
                                                      keep ? std::optional{processors[i]} : std::nullopt));
}

Reactors::~Reactors() = default;

void Reactors::on_each(const Work& work)
{
    for (const auto& reactor : reactors_)
        reactor->post([work, &services = reactor->services()] { work(services); });
}

// An answer that has come cancels a timer, and that puts its coroutine at the end of the queue: so does this.
void Reactors::on_each_settled(const Work& work)
{
    for (const auto& reactor : reactors_)
        reactor->post(
            [work, &reactor = *reactor] { reactor.post([work, &reactor] { work(reactor.services()); }); });
}

Reactor& Reactors::least_busy()
{
    std::size_t best = (last_ + 1) % reactors_.size();
    for (std::size_t i = 0; i < reactors_.size(); ++i) {
        const std::size_t other = (last_ + 1 + i) % reactors_.size();
        if (reactors_[other]->connections() < reactors_[best]->connections()) best = other;
    }
    last_ = best;
    return *reactors_[best];
}

std::size_t Reactors::connections() const
{
    std::size_t sum = 0;
    for (const auto& reactor : reactors_)
        sum += reactor->connections();
    return sum;
}

bool Reactors::stop()
{
    bool all = true;
    for (const auto& reactor : reactors_)
        all = reactor->stop() && all;
    return all;
}

} // namespace ftpc::server
