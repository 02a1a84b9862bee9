#include "benchmark/thread_load.hpp"

#include <stdexcept>
#include <thread>

namespace ftpc::benchmark {

namespace {

// The work of one client: names of its own, and its share of the commands.
DirectoriesPlan share_of(const DirectoriesPlan& plan, unsigned number, unsigned clients)
{
    DirectoriesPlan share = plan;
    share.prefix += "t" + std::to_string(number) + "-";
    share.count = plan.count / clients + (number < plan.count % clients ? 1 : 0);
    return share;
}

void add(DirectoriesResult& all, const DirectoriesResult& one)
{
    all.made += one.made;
    all.refused += one.refused;
    all.latencies.add(one.latencies);
    if (all.first_refusal.empty()) all.first_refusal = one.first_refusal;
}

} // namespace

ThreadLoad::Client::Client(const Target& target, SSL_CTX* context, const Credentials& credentials,
                           const DirectoriesPlan& plan)
    : pool{loop, target, context, credentials}, load{pool, plan}
{
    pool.open(1);
}

// A load of one session waits in read(2) by itself.
void ThreadLoad::Client::run(std::latch& begin) noexcept
{
    try {
        begin.wait();
        result = load.run();
    } catch (...) {
        failure = std::current_exception();
    }
}

ThreadLoad::ThreadLoad(const Target& target, SSL_CTX* context, const Credentials& credentials,
                       unsigned sessions, const DirectoriesPlan& plan)
{
    if (plan.count != 0 && plan.count < sessions) throw std::runtime_error{"count: at least one a session"};
    for (unsigned i = 0; i < sessions; ++i)
        clients_.push_back(
            std::make_unique<Client>(target, context, credentials, share_of(plan, i, sessions)));
}

DirectoriesResult ThreadLoad::run()
{
    std::latch begin{1};
    std::vector<std::jthread> threads;
    for (const auto& client : clients_)
        threads.emplace_back([&begin, &client] { client->run(begin); });
    DirectoriesResult all;
    const double cpu = own_cpu_seconds();
    const auto began = Clock::now();
    begin.count_down();
    threads.clear(); // joins them
    all.seconds = seconds_since(began);
    all.generator_cpu_seconds = own_cpu_seconds() - cpu;
    for (const auto& client : clients_) {
        if (client->failure) std::rethrow_exception(client->failure);
        add(all, client->result);
    }
    return all;
}

} // namespace ftpc::benchmark
