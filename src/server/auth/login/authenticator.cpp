#include "server/auth/login/authenticator.hpp"

#include "shared/crypto/digest.hpp"

#include <exception>
#include <span>
#include <utility>

namespace ftpc::server {

namespace {

Prehash prehash_of(const PasswordCheck& check)
{
    if (const auto* password = std::get_if<SecretText>(&check.proof))
        return prehash(view(*password), check.realm, check.user);
    return std::get<Prehash>(check.proof);
}

Decision refused(std::string_view reason, Suspicion suspicion)
{
    return {.status = ipc::LoginStatus::refused, .reason = reason, .user = {}, .suspicion = suspicion};
}

// All reasons look alike to the limiter, too, also a right password of a locked user.
Decision refused_guess(std::string_view reason)
{
    return refused(reason, Suspicion::guess);
}

Decision granted(User user)
{
    return {.status = ipc::LoginStatus::granted, .reason = {}, .user = std::move(user)};
}

} // namespace

void verify_proof(PasswordCheck& check) noexcept
{
    try {
        check.prehash = prehash_of(check);
        // protection: decoy
        const bool matches = verify_password(check.prehash, check.stored, *check.pepper);
        check.outcome = matches ? PasswordCheck::Outcome::matches : PasswordCheck::Outcome::differs;
    } catch (const std::exception&) {
        check.outcome = PasswordCheck::Outcome::failed;
    }
}

std::optional<std::string> renewed_hash(const PasswordCheck& check)
{
    const bool good = check.outcome == PasswordCheck::Outcome::matches && check.found && !check.found->locked;
    if (!good || !needs_renewal(check.stored, check.cost, *check.pepper)) return std::nullopt;
    return to_text(make_password_hash(check.prehash, check.cost, *check.pepper));
}

Authenticator::Authenticator(const UserStore& users, ScryptCost cost, std::shared_ptr<const Pepper> pepper)
    : users_{users}, cost_{cost}, pepper_{std::move(pepper)}
{
    fill_random(decoy_.salt);
    fill_random(decoy_.hash);
}

PasswordCheck Authenticator::prepare(std::string_view name, PasswordProof proof) const
{
    PasswordCheck check;
    check.user = name;
    check.realm = users_.realm();
    check.proof = std::move(proof);
    check.found = users_.find(name);
    const PasswordHash decoy = decoy_for(name);
    const auto known =
        check.found ? parse_password_hash(check.found->password_hash) : Result<PasswordHash>{decoy};
    check.stored = known ? *known : decoy;
    check.pepper = pepper_;
    check.cost = cost_;
    return check;
}

Decision Authenticator::decide(const PasswordCheck& check) const
{
    using Outcome = PasswordCheck::Outcome;
    if (check.outcome == Outcome::failed || check.outcome == Outcome::not_checked)
        return {.status = ipc::LoginStatus::busy, .reason = "no memory to check the password", .user = {}};
    if (!check.found) return refused_guess("no such user");
    if (check.stored.pepper && check.stored.pepper != check.pepper->id())
        return refused_guess("the stored hash needs another pepper");
    if (check.outcome != Outcome::matches) return refused_guess("wrong password");
    auto now = users_.find(check.user);
    if (!now || now->generation != check.found->generation)
        return refused_guess("the user was changed meanwhile");
    // protection: locked-user
    if (now->locked) return refused_guess("the user is locked");
    return granted(std::move(*now));
}

Decision Authenticator::decide(const ipc::LogInWithSessionKey& login, const SessionKeys& keys) const
{
    const auto key = keys.find(login.session);
    const auto state = keys.state(login.session);
    if (state == KeyState::expired) return refused("the session key has expired", Suspicion::none);
    if (state == KeyState::from_the_future)
        return refused("the session key was made later than the clock says it is", Suspicion::none);
    // An id has 128 random bits, so nobody finds one by trying; but many users of one address may have keys
    // that have ended.
    if (!key) return refused("no such session key, or ended", Suspicion::none);
    // protection: key-of-another
    if (key->user != login.user)
        return refused("the session key is another user's", Suspicion::wrong_signature);
    // protection: signature
    if (!verify_session(key->key, login.binding, login.session, login.user, login.signature))
        return refused("wrong signature", Suspicion::wrong_signature);
    auto user = users_.find(login.user);
    if (!user) return refused("no such user", Suspicion::none);
    if (user->locked) return refused("the user is locked", Suspicion::none);
    // protection: key-generation
    if (user->generation != key->generation)
        return refused("the session key is from before a change of the user", Suspicion::none);
    return granted(std::move(*user));
}

PasswordHash Authenticator::decoy_for(std::string_view name) const
{
    PasswordHash decoy = decoy_;
    decoy.cost = cost_;
    const std::string label = users_.realm() + "|" + std::string{name};
    const Sha256 digest = sha256({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
    std::uint64_t number = 0;
    for (const std::uint8_t byte : std::span{digest}.first<sizeof number>())
        number = number << 8 | byte;
    const auto model = users_.pick(number);
    const auto stored = model ? parse_password_hash(model->password_hash) : Result<PasswordHash>{decoy};
    if (stored) {
        decoy.cost = stored->cost;
        decoy.pepper = stored->pepper;
    }
    return decoy;
}

} // namespace ftpc::server
