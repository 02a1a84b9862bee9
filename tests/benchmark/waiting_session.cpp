#include "benchmark/waiting_session.hpp"

#include <stdexcept>

namespace ftpc::benchmark {

WaitingSession::WaitingSession(const Target& target, SSL_CTX* context, const Credentials& credentials)
    : pool_{loop_, target, context, credentials}
{
    pool_.open(1);
    pool_.set_load(*this);
    session().make_blocking();
}

void WaitingSession::send(const std::string& command)
{
    session().outgoing() += command + "\r\n";
    session().flush();
    acknowledge_at_once(session().descriptor());
}

std::pair<int, std::string> WaitingSession::next_reply()
{
    while (replies_.empty())
        session().advance();
    auto reply = std::move(replies_.front());
    replies_.pop_front();
    return reply;
}

std::string WaitingSession::await(int code)
{
    auto [came, text] = next_reply();
    if (came != code) throw std::runtime_error{"expected " + std::to_string(code) + ", got: " + text};
    return text;
}

void WaitingSession::on_reply(FtpSession&, const Reply& reply)
{
    replies_.emplace_back(reply.code, std::string{reply.text});
}

} // namespace ftpc::benchmark
