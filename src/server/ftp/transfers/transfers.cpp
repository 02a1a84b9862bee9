#include "server/ftp/transfers/transfers.hpp"

#include "server/ftp/session/error_reply.hpp"
#include "server/ftp/transfers/listing_source.hpp"
#include "server/ftp/transfers/transfer_reply.hpp"
#include "server/ipc/peer_network.hpp"
#include "shared/base/error.hpp"
#include "shared/protocol/command.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds port_pause{50};
constexpr std::chrono::milliseconds full_pause{100};
constexpr auto ignored = [](const auto&) {};
// Beside "ftp", for clients that ask for what IANA has for data connections (RFC 7301 §3.1).
constexpr const char* alpn_data = "\10ftp-data\3ftp";

// Commands that do not wait for the end of a transfer (RFC 959 §4.1.3).
bool acts_at_once(std::string_view line)
{
    const auto command = parse_command(line);
    return command &&
           (command->verb == Verb::abor || (command->verb == Verb::stat && command->argument.empty()));
}

// A port of the other family is of no use; the reply says so.
bool can_be_served(const OpenPassivePort& request, bool ipv4)
{
    if (request.family) return *request.family == (ipv4 ? 1 : 2);
    return request.extended || ipv4;
}

} // namespace

// ---- PASV, EPSV

Result<std::shared_ptr<DataConnection>> Transfers::expect() const
{
    const Stream& control = client_.stream;
    const TlsRole role{.kind = TlsRole::Kind::data,
                       .control_connection = control.tls_role().control_connection,
                       .tickets = 1,
                       .alpn = alpn_data};
    const bool must_resume = session_.logged_in_by_site_auth() ||
                             client_.context->settings.data_resumption == DataResumption::require;
    return DataConnection::expect(client_.reactor->loop(), client_.context->server.passive_ports,
                                  local_address(control.descriptor()), client_.peer,
                                  {control.tls_context(), role, must_resume});
}

asio::awaitable<void> Transfers::open_port(OpenPassivePort request)
{
    drop();
    const auto own_ipv4 = ipv4_of(local_address(client_.stream.descriptor()));
    PassivePort place{own_ipv4, 0};
    if (!can_be_served(request, place.ipv4.has_value()))
        co_return client_.answer(Session::on_passive_port(request, place));
    auto expected = expect();
    const auto deadline = Clock::now() + longest_port_wait;
    while (!expected && expected.error() == Errc::no_passive_port && Clock::now() < deadline) {
        if (!co_await client_.flush()) co_return;
        co_await client_.pause(port_pause);
        if (!client_.stage.is_serving()) co_return;
        expected = expect();
    }
    if (!expected) co_return client_.answer(Session::on_passive_port(request, expected.error()));
    data_ = std::move(*expected);
    const std::string& outside = client_.context->settings.passive_address;
    if (const auto address = parse_address(outside); address && own_ipv4) place.ipv4 = ipv4_of(*address);
    place.port = data_->port();
    client_.answer(Session::on_passive_port(request, place));
}

// ---- LIST, NLST, MLSD

asio::awaitable<void> Transfers::send(SendListing request)
{
    if (!data_) co_return client_.answer({425, "Use PASV or EPSV first."});
    if (data_->outcome()) co_return finish(*data_->outcome(), 0);
    const RemotePath path = request.path;
    auto listing = co_await open(std::move(request));
    if (!client_.stage.is_serving()) co_return;
    if (!listing) co_return end_with(error_reply(listing.error(), path.text()));
    const Settings& settings = client_.context->settings;
    const auto place = client_.context->server.transfers.take(session_.user(), settings.max_transfers,
                                                              settings.max_transfers_per_user);
    if (!place) co_return end_with({450, "Too many transfers are under way; try again later."});
    co_await transfer(std::move(*listing));
}

// By a worker, with its first piece: a file system may wait.
asio::awaitable<Result<ListingPiece>> Transfers::open(SendListing request)
{
    const ClientDirectories& place = directories_.place();
    auto work = [&tree = client_.context->server.tree, home = place.home, request] {
        return read_piece(Listing::open(tree, home, request.path, request.form, request.facts),
                          ListingSource::piece_bytes);
    };
    auto waited = co_await client_.hand_over(place.waiting, std::move(work), ignored);
    if (!waited.value) co_return waited.failure;
    co_return std::move(*waited.value);
}

asio::awaitable<void> Transfers::transfer(ListingPiece first)
{
    client_.answer({150, "Here comes the listing."});
    if (!co_await client_.flush()) co_return drop();
    const auto data = data_;
    const auto listing = first.listing;
    data->send(std::make_unique<ListingSource>(client_.reactor->loop(), client_.context->server.workers,
                                               directories_.place().waiting, std::move(first)),
               [this] {
                   if (waits_for_command_) client_.stream.cancel();
               });
    co_await follow_commands();
    data->abort(DataConnection::End::aborted);
    const bool sent = data->outcome()->end == DataConnection::End::sent;
    finish(*data->outcome(), sent ? listing->unlisted() : 0);
    if (std::exchange(abort_came_, false)) client_.answer({226, "The transfer is over."});
}

// Until the transfer or the session ends.
asio::awaitable<void> Transfers::follow_commands()
{
    while (!data_->outcome() && client_.stage.is_serving()) {
        if (client_.stream.has_unsent())
            co_await client_.flush(); // an answer of TLS waits for its turn
        else if (const auto line = input_.lines.take_out(acts_at_once))
            co_await act_on(*line);
        else if (input_.lines.is_full())
            co_await client_.pause(full_pause);
        else
            co_await receive();
    }
}

asio::awaitable<void> Transfers::receive()
{
    client_.deadlines.wait(Deadlines::For::transfer, Clock::now());
    waits_for_command_ = true;
    const auto [failure] = co_await client_.stream.until_readable();
    waits_for_command_ = false;
    client_.deadlines.wait(Deadlines::For::nothing, Clock::now());
    if (failure == asio::error::operation_aborted || !client_.stage.is_serving()) co_return;
    input_.take(failure ? Result<std::size_t>{failure} : client_.stream.read_now(input_.lines.room()));
}

asio::awaitable<void> Transfers::act_on(const std::string& line)
{
    client_.log.command_taken();
    // protection: turns-in-transfers
    co_await client_.yield();
    const auto too_fast_by =
        input_.rate.take(client_.context->settings.max_commands_per_second, Clock::now());
    if (too_fast_by > Clock::duration::zero()) co_await client_.pause(too_fast_by);
    if (!client_.stage.is_serving()) co_return;
    const Action action = session_.on_line(line);
    if (std::holds_alternative<AbortTransfer>(action)) {
        data_->abort(DataConnection::End::aborted);
        abort_came_ = true;
        co_return;
    }
    if (const auto* reply = std::get_if<Reply>(&action)) client_.answer(*reply);
    co_await client_.flush();
}

void Transfers::end_with(const Reply& refusal)
{
    drop();
    client_.answer(refusal);
}

void Transfers::finish(const DataConnection::Outcome& outcome, std::uint64_t unlisted)
{
    const bool sent = outcome.end == DataConnection::End::sent;
    const Reply reply = transfer_reply(outcome, unlisted);
    if (!sent && outcome.end != DataConnection::End::aborted) client_.log.transfer_failed(reply.text);
    client_.answer(reply);
    let_last_go();
    if (sent) last_ = std::move(data_);
    data_ = nullptr;
}

// Bytes of the client are taken first: a connection that is closed with unread bytes is reset.
void Transfers::let_last_go()
{
    if (last_) last_->is_drained(Clock::now());
    last_ = nullptr;
}

// ---- ABOR, and the end

Transfers::~Transfers()
{
    let_last_go();
    drop();
}

asio::awaitable<void> Transfers::abort(AbortTransfer)
{
    drop();
    client_.answer(Session::on_nothing_to_abort());
    co_return;
}

void Transfers::drop()
{
    if (const auto data = std::exchange(data_, nullptr)) data->abort(DataConnection::End::aborted);
}

void Transfers::end_if_overdue(Clock::time_point now)
{
    if (data_) data_->end_if_overdue(client_.context->settings, now);
    if (last_ && last_->is_drained(now)) last_ = nullptr;
}

bool Transfers::idle()
{
    if (last_ && last_->is_drained(Clock::now())) last_ = nullptr;
    return !data_ && !last_;
}

} // namespace ftpc::server
