#include "server/auth/state/login_limiter.hpp"

#include "shared/crypto/digest.hpp"

#include <algorithm>
#include <string>

namespace ftpc::server {

using namespace std::chrono_literals;

namespace {

PenaltyRule address_rule(const LoginLimits& limits)
{
    return {.free = limits.address, .forget = limits.forget, .first = 1min, .longest = 1h};
}

PenaltyRule account_rule(const LoginLimits& limits)
{
    return {.free = limits.account, .forget = limits.forget, .first = 1s, .longest = 5s};
}

} // namespace

PenaltyTable::Key account_key(std::string_view name)
{
    const std::string label = "ftpcd-account|" + std::string{name};
    const Sha256 digest = sha256({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
    PenaltyTable::Key key{};
    std::copy_n(digest.begin(), key.size(), key.begin());
    return key;
}

LoginLimiter::LoginLimiter(const LoginLimits& limits)
    : limits_{limits}, addresses_{max_addresses, address_rule(limits)}, accounts_{max_accounts,
                                                                                  account_rule(limits)}
{}

void LoginLimiter::set_limits(const LoginLimits& limits)
{
    limits_ = limits;
    addresses_.set_rule(address_rule(limits));
    accounts_.set_rule(account_rule(limits));
}

LoginLimiter::Verdict LoginLimiter::judge(const ipc::PeerAddress& peer, std::string_view account, bool known,
                                          Moment now)
{
    Verdict verdict;
    // protection: refused-address
    verdict.refused_for = refused_for(peer, now);
    const auto delay = accounts_.penalty(accounts_.failures(account_key(account), now));
    if (known) return verdict;
    // protection: slowed-account
    verdict.delay = delay;
    verdict.rank = 1 + addresses_.failures(network_of(peer), now);
    return verdict;
}

std::chrono::seconds LoginLimiter::refused_for(const ipc::PeerAddress& peer, Moment now)
{
    const auto left = addresses_.penalty_end(network_of(peer), now) - now;
    return std::chrono::ceil<std::chrono::seconds>(std::max(left, Moment::duration{0}));
}

LoginLimiter::Hit LoginLimiter::fail(const ipc::PeerAddress& peer, std::string_view account, Moment now)
{
    const PenaltyTable::Key key = account_key(account);
    Hit hit = fail_of_address(peer, key, now);
    const unsigned before = accounts_.failures(key, now);
    accounts_.fail(key, network_of(peer), now);
    hit.account = accounts_.penalty(accounts_.failures(key, now)) > accounts_.penalty(before);
    return hit;
}

LoginLimiter::Hit LoginLimiter::fail_wrong_signature(const ipc::PeerAddress& peer, const SessionId& id,
                                                     Moment now)
{
    return fail_of_address(peer, id, now);
}

LoginLimiter::Hit LoginLimiter::fail_of_address(const ipc::PeerAddress& peer, const PenaltyTable::Key& cause,
                                                Moment now)
{
    const PeerNetwork network = network_of(peer);
    addresses_.fail(network, cause, now);
    return {.address = addresses_.penalty_end(network, now) > now, .account = false};
}

void LoginLimiter::succeed(const ipc::PeerAddress& peer, std::string_view account, Moment now)
{
    const PenaltyTable::Key key = account_key(account);
    addresses_.forgive(network_of(peer), key, now);
    accounts_.forgive(key, network_of(peer), now);
}

LoginLimiter::State LoginLimiter::save(Moment now) const
{
    State state{addresses_.save(max_saved, now), accounts_.save(max_saved, now)};
    for (PenaltyTable::Saved& account : state.accounts)
        account.penalty_end = delay_end(account.forgotten);
    return state;
}

LoginLimiter::State LoginLimiter::bounded(State state, Moment now) const
{
    for (PenaltyTable::Saved& address : state.addresses)
        address = addresses_.bounded(address, now);
    for (PenaltyTable::Saved& account : state.accounts) {
        account.forgotten = accounts_.bounded(account, now).forgotten;
        account.penalty_end = std::min(account.penalty_end, delay_end(account.forgotten));
    }
    return state;
}

// When an account has no more failures than are free.
Moment LoginLimiter::delay_end(Moment forgotten) const
{
    return std::max(forgotten - limits_.forget * limits_.account, Moment{});
}

void LoginLimiter::restore(const State& state, Moment now)
{
    for (const PenaltyTable::Saved& address : state.addresses)
        addresses_.restore(address, now);
    for (const PenaltyTable::Saved& account : state.accounts)
        accounts_.restore(account, now);
}

} // namespace ftpc::server
