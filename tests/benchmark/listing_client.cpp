#include "benchmark/listing_client.hpp"

#include "benchmark/data_connection.hpp"
#include "benchmark/entry_counter.hpp"

#include <charconv>
#include <stdexcept>

namespace ftpc::benchmark {

namespace {

// The decimal number that ends where the text ends.
unsigned number_at_end(std::string_view text)
{
    const auto before = text.find_last_not_of("0123456789");
    const auto digits = text.substr(before == std::string_view::npos ? 0 : before + 1);
    unsigned number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

// "229 Entering Extended Passive Mode (|||40123|)" (RFC 2428 §3)
std::uint16_t extended_port(std::string_view reply)
{
    return static_cast<std::uint16_t>(number_at_end(reply.substr(0, reply.rfind('|'))));
}

// "227 Entering Passive Mode (127,0,0,1,156,187)." (RFC 959 §4.1.2). The address is that of the control
// connection, as most clients take it.
std::uint16_t passive_port_of(std::string_view reply)
{
    const auto end = reply.find_last_of("0123456789") + 1;
    const auto comma = reply.rfind(',');
    return static_cast<std::uint16_t>(number_at_end(reply.substr(0, comma)) * 256 +
                                      number_at_end(reply.substr(0, end)));
}

} // namespace

ListingClient::ListingClient(const Target& target, SSL_CTX* context, const Credentials& credentials,
                             const ListingPlan& plan)
    : session_{target, context, credentials}, target_{target}, context_{context}, plan_{plan}
{
    const std::string features = session_.call("FEAT", 211);
    extended_ = features.find("EPSV") != std::string::npos;
    command_ = features.find("MLST") != std::string::npos ? "MLSD" : "LIST"; // RFC 3659 §7.8
    session_.call("PBSZ 0", 200);
    session_.call("PROT P", 200);
    session_.call("CWD " + plan.path, 250);
}

Target ListingClient::passive_port()
{
    const auto port =
        extended_ ? extended_port(session_.call("EPSV", 229)) : passive_port_of(session_.call("PASV", 227));
    return target_.with_port(port);
}

// Some servers begin the handshake when the command has come, so the command goes first. vsftpd says 226 when
// the client has closed the data connection, so that is closed before the reply is read.
Listed ListingClient::list()
{
    UniqueFd connection = connect_to(passive_port());
    session_.send(command_);
    Listed listed;
    std::string failure;
    try {
        listed = read_listing(std::move(connection));
    } catch (const std::runtime_error& error) {
        failure = error.what();
    }
    check_replies(failure);
    return listed;
}

Listed ListingClient::read_listing(UniqueFd connection)
{
    DataConnection data{std::move(connection), context_, session_.newest_tls_session().get()};
    Listed listed{0, data.resumed()};
    EntryCounter counter{command_ == "MLSD"};
    for (auto bytes = data.read(); !bytes.empty(); bytes = data.read()) {
        counter.take(bytes);
        listed.bytes += bytes.size();
    }
    if (counter.entries() != plan_.entries)
        throw std::runtime_error{command_ + " of " + plan_.path + " shows " +
                                 std::to_string(counter.entries()) + " entries of " +
                                 std::to_string(plan_.entries)};
    return listed;
}

void ListingClient::check_replies(const std::string& failure)
{
    try {
        const auto [code, text] = session_.next_reply();
        if (code != 125 && code != 150) throw std::runtime_error{"expected 150, got: " + text};
        session_.await(226);
    } catch (const std::runtime_error& error) {
        throw std::runtime_error{failure.empty() ? error.what() : failure + "; " + error.what()};
    }
    if (!failure.empty()) throw std::runtime_error{failure};
}

} // namespace ftpc::benchmark
