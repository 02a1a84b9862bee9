#include "client/commands/time_question.hpp"

#include "client/connection/login_replies.hpp"

#include <vector>

namespace ftpc::client {

namespace {

constexpr std::size_t number_of_rounds = 8;

Failure no_time(const ServerAddress& server, const Reply& reply)
{
    const bool ended = reply.code == 421;
    const bool unknown = reply.code >= 500;
    const std::string what = ended     ? " ended the connection: "
                             : unknown ? " does not tell its time; its ftpcd may be older than this ftpc: "
                                       : " does not keep to the protocol: ";
    return {ExitStatus::unreachable, server.text() + what + shown(reply)};
}

Outcome<TimeRound> ask_once(ControlConnection& connection)
{
    const auto sent = BootClock::now();
    connection.send("SITE TIME");
    const auto reply = connection.await_reply();
    const auto received = BootClock::now();
    if (!reply) return reply.error();
    const auto told = parse_time_reply(*reply);
    if (!told) return no_time(connection.server(), *reply);
    return TimeRound{sent, received, *told};
}

} // namespace

Outcome<ClockReading> ask_server_time(const ServerAddress& server, const ConnectSettings& settings,
                                      const StateDirectory& state)
{
    auto connection = open_trusted_connection(server, settings, state);
    if (!connection) return connection.error();
    std::vector<TimeRound> rounds;
    while (rounds.size() < number_of_rounds) {
        const auto round = ask_once(*connection);
        if (!round) return round.error();
        rounds.push_back(*round);
    }
    // All is known: the reply to QUIT is not waited for.
    connection->send("QUIT");
    if (connection->exchange()) connection->close();
    const auto best = best_of(rounds);
    if (!best)
        return Failure{ExitStatus::unreachable,
                       "the clock of " + server.text() + " was set while it was asked; try again"};
    return *best;
}

} // namespace ftpc::client
