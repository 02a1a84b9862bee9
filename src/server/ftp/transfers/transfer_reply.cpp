#include "server/ftp/transfers/transfer_reply.hpp"

#include "server/ftp/session/error_reply.hpp"

#include <string>

namespace ftpc::server {

namespace {

std::string sent_text(std::uint64_t unlisted)
{
    if (unlisted == 0) return "All of it was sent.";
    return "All of it was sent; " + std::to_string(unlisted) +
           (unlisted == 1 ? " name cannot be shown." : " names cannot be shown.");
}

std::string words_of(const DataConnection::Outcome& outcome)
{
    if (!outcome.words.empty()) return outcome.words;
    return outcome.failure ? outcome.failure.message() : "no handshake in time";
}

// A failure in the midst of it: whether the path can be listed is known already.
Reply source_reply(error_code failure)
{
    if (!failure) return {451, "The file system does not answer."};
    Reply reply = error_reply(failure, {});
    if (reply.code / 100 == 5) reply.code = 451;
    return reply;
}

} // namespace

Reply transfer_reply(const DataConnection::Outcome& outcome, std::uint64_t unlisted)
{
    switch (outcome.end) {
    case DataConnection::End::sent:
        return {226, sent_text(unlisted)};
    case DataConnection::End::not_connected:
        return {425, "No data connection came in time; a firewall may keep the passive ports shut."};
    case DataConnection::End::tls_failed:
        return {425, "TLS failed on the data connection: " + words_of(outcome) + "."};
    case DataConnection::End::not_resumed:
        return {522, "The data connection must resume the TLS session of the control connection."};
    case DataConnection::End::source_failed:
        return source_reply(outcome.failure);
    case DataConnection::End::cut:
        return {426, "The data connection was cut: " + words_of(outcome) + "."};
    case DataConnection::End::stalled:
        return {426, "Nothing was taken from the data connection for too long."};
    case DataConnection::End::aborted:
        break;
    }
    return {426, "The transfer was aborted."};
}

} // namespace ftpc::server
