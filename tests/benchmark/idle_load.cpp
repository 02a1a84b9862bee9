#include "benchmark/idle_load.hpp"

#include "benchmark/directories_load.hpp"

#include <iostream>
#include <sstream>
#include <stdexcept>

namespace ftpc::benchmark {

namespace {

class Noops : private Load {
public:
    explicit Noops(SessionPool& pool) : pool_{pool} {}

    boost::json::object run()
    {
        pool_.set_load(*this);
        for (const auto& session : pool_.sessions()) {
            session->outgoing() += "NOOP\r\n";
            pool_.loop().flush(*session);
        }
        while (answered_ < pool_.sessions().size())
            pool_.loop().round(1000);
        return {{"answering", answering_}};
    }

private:
    void on_reply(FtpSession&, const Reply& reply) override
    {
        ++answered_;
        if (reply.code == 200) ++answering_;
    }
    void on_replies_read(FtpSession&) override {}

    SessionPool& pool_;
    std::size_t answered_ = 0;
    std::size_t answering_ = 0;
};

boost::json::object obey(const std::string& order, SessionPool& pool, std::size_t idle)
{
    std::istringstream words{order};
    std::string verb;
    DirectoriesPlan plan;
    words >> verb;
    if (verb == "check") return Noops{pool}.run();
    if ((verb != "busy" && verb != "all") || !(words >> plan.seconds >> plan.prefix))
        throw std::runtime_error{"no such order: " + order};
    words >> plan.in_flight >> plan.count;
    if (verb == "all") return DirectoriesLoad{pool, plan}.run().to_json();
    if (pool.sessions().size() == idle) pool.open(1);
    return DirectoriesLoad{pool, plan}.run(idle).to_json();
}

} // namespace

void run_idle(const Target& target, SSL_CTX* context, const Credentials& credentials, std::size_t count,
              std::istream& orders, std::ostream& out)
{
    EventLoop loop;
    SessionPool pool{loop, target, context, credentials};
    const auto begin = Clock::now();
    pool.open(count);
    out << boost::json::object{{"open", count}, {"seconds", seconds_since(begin)}} << std::endl;
    std::string order;
    while (std::getline(orders, order))
        out << obey(order, pool, count) << std::endl;
}

} // namespace ftpc::benchmark
