// Decides logins. An unknown name costs as much time as a user's: it is checked against a decoy whose
// parameters are those of some user. So neither the answer nor its time tells which users exist.
//
// A login by password takes three steps, so that hashing happens away from the event loop:
//     prepare() on the loop  →  verify_proof() on a worker  →  decide() on the loop, by the users as they
//     are then
#pragma once

#include "server/auth/state/session_keys.hpp"
#include "server/ipc/messages.hpp"
#include "server/users/password_hash.hpp"
#include "server/users/user_store.hpp"
#include "shared/crypto/scrypt.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/protocol/prehash.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ftpc::server {

// The client's proof of identity: the password itself, or its prehash.
using PasswordProof = std::variant<SecretText, Prehash>;

// One login by password, with all that a worker needs: it sees no store and no setting.
struct PasswordCheck {
    std::string user;
    std::string realm;
    PasswordProof proof;
    std::optional<User> found; // from the store, when the login came; none for an unknown name
    PasswordHash stored;       // of `found`, or the decoy
    std::shared_ptr<const Pepper> pepper;
    ScryptCost cost{}; // the cost and pepper of a renewed hash

    // Set by verify_proof().
    enum class Outcome { not_checked, matches, differs, failed };
    Outcome outcome = Outcome::not_checked;
    Prehash prehash; // of the proof
};

// Both scrypt steps for a password, the second for a prehash. Never throws: without memory the outcome is
// `failed`.
void verify_proof(PasswordCheck& check) noexcept;

// The hash that shall replace the stored one, if the check matched and today's settings would make another
// one; none otherwise. Takes the time of another hash.
std::optional<std::string> renewed_hash(const PasswordCheck& check);

// The limiter's view of the client behind a refused login.
enum class Suspicion {
    none,
    guess,           // at a password
    wrong_signature, // for a session key that is enrolled
};

struct Decision {
    ipc::LoginStatus status = ipc::LoginStatus::refused;
    std::string_view reason;  // for the log and `ftpcd why` only; empty when granted
    std::optional<User> user; // when granted
    Suspicion suspicion = Suspicion::none;
};

class Authenticator {
public:
    // `users` lives longer than this.
    Authenticator(const UserStore& users, ScryptCost cost, std::shared_ptr<const Pepper> pepper);

    PasswordCheck prepare(std::string_view name, PasswordProof proof) const;

    // Grants the login if the password was right and the user is still the one that it was checked for.
    Decision decide(const PasswordCheck& check) const;

    // Verifies at once: an Ed25519 signature takes less time than handing it to a thread and back.
    Decision decide(const ipc::LogInWithSessionKey& login, const SessionKeys& keys) const;

private:
    // A hash that nothing matches, as costly as that of a user chosen by the name. One name always has the
    // same one, so that trying again tells nothing. Different names have different ones, so that old and new
    // costs stay mixed.
    PasswordHash decoy_for(std::string_view name) const;

    const UserStore& users_;
    ScryptCost cost_;
    std::shared_ptr<const Pepper> pepper_;
    PasswordHash decoy_; // random salt and hash
};

} // namespace ftpc::server
