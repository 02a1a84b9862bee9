#include "server/transport/reactors.hpp"

#include "server/log/log.hpp"
#include "shared/base/processors.hpp"
#include "shared/base/threads.hpp"

#include <boost/asio.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds stop_time{1};
constexpr std::chrono::seconds between_looks{1}; // at deadlines
// Connections that a reactor may have more than another one that gives it one. More would leave processors
// idle on a machine of which the network card interrupts one processor only.
constexpr std::size_t most_ahead = 4;

void report_end(const std::exception_ptr& failure)
{
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        log_event("connection-failed", {{"error", error.what()}});
    }
}

} // namespace

void end_those_overdue(const Reactor& reactor)
{
    const auto now = ServedConnection::Clock::now();
    for (const auto& [id, connection] : reactor.served())
        connection->end_if_overdue(now);
}

// ---- one

// One of those that are served. It is counted until it is gone, and then its place in `admission` is free.
struct Reactor::Place {
    Place(Reactor& of, ConnectionId of_id, Counted counted)
        : reactor{of}, id{of_id}, count{std::move(counted)}
    {}
    ~Place()
    {
        if (is_listed) reactor.served_.erase(id);
        if (moved) return;
        connection.reset();
        reactor.admission_.leave(id);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    Reactor& reactor;
    ConnectionId id;
    Counted count;
    std::unique_ptr<ServedConnection> connection;
    bool is_listed = false; // among those that are served, on the reactor's own thread
    bool moved = false;
};

Reactor::Reactor(std::size_t index, int processor, Reactors& all, Admission& admission, LogBounds& log_bounds)
    : index_{index}, processor_{processor}, all_{all}, admission_{admission},
      log_{log_bounds,
           [this](EventLog::Delay delay) {
               loop_.call_at(EventLoop::Clock::now() + delay, [this] { log_.flush_on_time(); });
           }},
      thread_{start_thread([this] { run(); })}
{}

Reactor::~Reactor()
{
    loop_.stop();
    if (thread_.joinable()) thread_.join();
}

void Reactor::serve(std::unique_ptr<ServedConnection> connection, ConnectionId id)
{
    auto place = std::make_unique<Place>(*this, id, Counted{connections_});
    place->connection = std::move(connection);
    post([this, place = std::move(place)]() mutable {
        try {
            place->connection->arrive(*this);
            served_.emplace(place->id, place->connection.get());
            place->is_listed = true;
            asio::co_spawn(loop_.io(), run_connection(std::move(place)), report_end);
        } catch (...) { // no memory for it
            report_end(std::current_exception());
        }
    });
}

asio::awaitable<void> Reactor::run_connection(std::unique_ptr<Place> place)
{
    while (Reactor* const next = co_await place->connection->run()) {
        place->moved = all_.move(place->connection, place->id, *this, *next);
        if (place->moved) break;
    }
}

Reactor* Reactor::on_processor(int processor) const
{
    if (processor < 0 || processor == processor_) return nullptr;
    const auto& all = all_.reactors_;
    const auto found = std::find_if(
        all.begin(), all.end(), [processor](const auto& other) { return other->processor_ == processor; });
    const bool takes = found != all.end() && (*found)->connections() <= connections() + most_ahead;
    return takes ? found->get() : nullptr;
}

bool Reactor::stop()
{
    loop_.stop();
    return ended_.get_future().wait_for(stop_time) == std::future_status::ready;
}

void Reactor::run()
{
    if (processor_ >= 0) stay_on_processors({processor_});
    try {
        watch_deadlines();
        loop_.run();
    } catch (const std::exception& error) { // the supervisor starts another net
        log_event("reactor-failed", {{"error", error.what()}});
        ::_exit(EXIT_FAILURE);
    }
    log_.flush();
    ended_.set_value();
}

void Reactor::watch_deadlines()
{
    end_those_overdue(*this);
    loop_.call_at(EventLoop::Clock::now() + between_looks, [this] { watch_deadlines(); });
}

// ---- all

Reactors::Reactors(std::size_t number, Admission& admission, LogBounds& log_bounds)
{
    const std::vector<int> processors = usable_processors();
    const bool one_each = processors.size() == number && number > 1;
    try {
        for (std::size_t i = 0; i < number; ++i)
            reactors_.push_back(
                std::make_unique<Reactor>(i, one_each ? processors[i] : -1, *this, admission, log_bounds));
    } catch (const std::exception& error) { // no further thread or descriptor
        // protection: fewer-reactors
        if (reactors_.empty()) throw;
        log_event("few-threads",
                  {{"threads", "reactors"}, {"started", reactors_.size()}, {"reason", error.what()}});
    }
}

// All threads have to have ended before the first reactor goes: they give connections to each other.
Reactors::~Reactors()
{
    for (const auto& reactor : reactors_)
        reactor->loop_.stop();
    for (const auto& reactor : reactors_)
        reactor->thread_.join();
}

bool Reactors::move(std::unique_ptr<ServedConnection>& connection, ConnectionId id, const Reactor& from,
                    Reactor& to)
{
    const std::scoped_lock lock{moving_};
    // protection: heard-before-moving
    if (from.heard_ != told_) return false;
    connection->leave();
    to.serve(std::move(connection), id);
    return true;
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
