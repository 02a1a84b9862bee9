#include "server/transport/reactors.hpp"

#include "server/log/log.hpp"
#include "shared/base/threads.hpp"

#include <boost/asio.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds stop_time{1};
constexpr std::chrono::seconds between_looks{1}; // at deadlines

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

// Among those that are served, as long as it lives.
struct Reactor::Place {
    Place(Reactor& of, ConnectionId of_id, ServedConnection* connection) : reactor{of}, id{of_id}
    {
        reactor.served_.emplace(id, connection);
    }
    ~Place() { reactor.served_.erase(id); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Reactor& reactor;
    ConnectionId id;
};

Reactor::Reactor(std::size_t index, Admission& admission, LogBounds& log_bounds)
    : index_{index}, admission_{admission}, log_{log_bounds,
                                                 [this](EventLog::Delay delay) {
                                                     loop_.call_at(EventLoop::Clock::now() + delay,
                                                                   [this] { log_.flush_on_time(); });
                                                 }},
      thread_{start_thread([this] { run(); })}
{}

Reactor::~Reactor()
{
    loop_.stop();
    thread_.join();
}

void Reactor::serve(std::unique_ptr<ServedConnection> connection, ConnectionId id)
{
    post([this, connection = std::move(connection), id, count = Counted{connections_}]() mutable {
        try {
            asio::co_spawn(loop_.io(), run_connection(std::move(connection), id, std::move(count)),
                           report_end);
        } catch (...) { // no memory for it
            admission_.leave(id);
            report_end(std::current_exception());
        }
    });
}

// `count` goes last.
asio::awaitable<void> Reactor::run_connection(std::unique_ptr<ServedConnection> connection, ConnectionId id,
                                              [[maybe_unused]] Counted count)
{
    const auto leaves = [this, id](ServedConnection* gone) {
        delete gone;
        admission_.leave(id);
    };
    const std::unique_ptr<ServedConnection, decltype(leaves)> own{connection.release(), leaves};
    const Place place{*this, id, own.get()};
    co_await own->run();
}

bool Reactor::stop()
{
    loop_.stop();
    return ended_.get_future().wait_for(stop_time) == std::future_status::ready;
}

void Reactor::run()
{
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
    try {
        while (reactors_.size() < number)
            reactors_.push_back(std::make_unique<Reactor>(reactors_.size(), admission, log_bounds));
    } catch (const std::exception& error) { // no further thread or descriptor
        // protection: fewer-reactors
        if (reactors_.empty()) throw;
        log_event("few-threads",
                  {{"threads", "reactors"}, {"started", reactors_.size()}, {"reason", error.what()}});
    }
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
