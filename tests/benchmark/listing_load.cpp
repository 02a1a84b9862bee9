#include "benchmark/listing_load.hpp"

#include "benchmark/run_together.hpp"

#include <stdexcept>

namespace ftpc::benchmark {

boost::json::object ListingResult::to_json() const
{
    return {{"command", command},
            {"listed", listed},
            {"bytes", bytes},
            {"resumed", resumed},
            {"seconds", seconds},
            {"per_second", static_cast<double>(listed) / seconds},
            {"generator_cpu_seconds", generator_cpu_seconds},
            {"latency", latencies.to_json()}};
}

void ListingLoad::Session::list_for(double seconds)
{
    const auto begin = Clock::now();
    do {
        const auto sent_at = Clock::now();
        const Listed listed = client.list();
        result.latencies.record(Clock::now() - sent_at);
        result.bytes += listed.bytes;
        result.resumed += listed.resumed ? 1 : 0;
        ++result.listed;
    } while (seconds_since(begin) < seconds);
}

ListingLoad::ListingLoad(const Target& target, SSL_CTX* context, const Credentials& credentials,
                         unsigned sessions, const ListingPlan& plan)
{
    if (sessions == 0) throw std::runtime_error{"sessions: at least 1"};
    for (unsigned i = 0; i < sessions; ++i)
        sessions_.push_back(std::make_unique<Session>(target, context, credentials, plan));
}

ListingResult ListingLoad::run(double seconds)
{
    std::vector<std::function<void()>> tasks;
    for (const auto& session : sessions_)
        tasks.emplace_back([&session, seconds] { session->list_for(seconds); });
    const Taken taken = run_together(tasks);
    ListingResult all;
    all.command = sessions_.front()->client.command();
    all.seconds = taken.seconds;
    all.generator_cpu_seconds = taken.generator_cpu_seconds;
    for (const auto& session : sessions_) {
        all.listed += session->result.listed;
        all.bytes += session->result.bytes;
        all.resumed += session->result.resumed;
        all.latencies.add(session->result.latencies);
    }
    return all;
}

} // namespace ftpc::benchmark
