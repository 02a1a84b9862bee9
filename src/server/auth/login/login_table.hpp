// The valid logins of one channel, by the handle that net quotes.
#pragma once

#include "server/ipc/messages.hpp"
#include "server/users/user_store.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ftpc::server {

struct Login {
    std::string user;
    std::uint64_t generation = 0;            // of the user, when it logged in
    std::optional<SessionId> session_key;    // the key that it logged in with
    bool may_enrol = false;                  // by password, and not used yet
    std::optional<std::uint64_t> max_dirs{}; // as net was told last
    ipc::PeerAddress peer{};                 // for the log
};

class LoginTable {
public:
    static constexpr std::size_t capacity = 65536;

    // A new random handle; none when there are as many logins as there may be.
    std::optional<ipc::LoginHandle> add(Login login);

    // Null for a handle that stands for nothing. Valid until the next call of another member.
    Login* find(const ipc::LoginHandle& handle);

    void remove(const ipc::LoginHandle& handle) { logins_.erase(handle); }

    // Takes out the logins that hold no longer by `users`.
    std::vector<std::pair<ipc::LoginHandle, Login>> take_revoked(const UserStore& users);

    // Calls `visit` with the handle and the login of each; it must not add or remove any.
    template <class Visit>
    void for_each(Visit visit)
    {
        for (auto& [handle, login] : logins_)
            visit(handle, login);
    }

    std::size_t size() const { return logins_.size(); }

private:
    // Handles are random, so that any part of them is a good hash.
    struct HandleHash {
        std::size_t operator()(const ipc::LoginHandle& handle) const
        {
            std::size_t hash = 0;
            std::memcpy(&hash, handle.data(), sizeof hash);
            return hash;
        }
    };
    std::unordered_map<ipc::LoginHandle, Login, HandleHash> logins_;
};

} // namespace ftpc::server
