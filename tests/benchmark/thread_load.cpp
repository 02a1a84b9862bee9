#include "benchmark/thread_load.hpp"

#include "benchmark/run_together.hpp"

#include <functional>
#include <stdexcept>

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
    std::vector<std::function<void()>> tasks;
    for (const auto& client : clients_) // a load of one session waits in read(2) by itself
        tasks.emplace_back([&client] { client->result = client->load.run(); });
    const Taken taken = run_together(tasks);
    DirectoriesResult all;
    all.seconds = taken.seconds;
    all.generator_cpu_seconds = taken.generator_cpu_seconds;
    for (const auto& client : clients_)
        add(all, client->result);
    return all;
}

} // namespace ftpc::benchmark
