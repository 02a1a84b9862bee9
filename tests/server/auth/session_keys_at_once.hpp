// Session keys that are changed one by one, on the thread of the test.
#pragma once

#include "server/auth/state/session_keys.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace ftpc::test {

class SessionKeysAtOnce : public server::SessionKeys {
public:
    using server::SessionKeys::SessionKeys;

    Result<server::SessionKey> enrol(const server::User& user, const SessionPublicKey& key,
                                     std::chrono::seconds lifetime)
    {
        Result<server::SessionKey> enrolled = server::SessionKey{};
        carry_out(
            {server::KeyEnrolment{user, key, lifetime, [&](auto made) { enrolled = std::move(made); }}});
        return enrolled;
    }

    Result<server::KeyEnd> end(const std::string& user, const SessionId& id)
    {
        Result<server::KeyEnd> ended = server::KeyEnd::no_such_key;
        carry_out({server::KeyRemoval{user, id, [&](auto end) { ended = end; }}});
        return ended;
    }
};

} // namespace ftpc::test
