#include "server/auth/login/login_table.hpp"

#include "server/auth/state/session_keys.hpp"
#include "shared/crypto/digest.hpp"

#include <utility>

namespace ftpc::server {

std::optional<ipc::LoginHandle> LoginTable::add(Login login)
{
    if (logins_.size() >= capacity) return std::nullopt;
    ipc::LoginHandle handle{};
    fill_random(handle);
    logins_.emplace(handle, std::move(login));
    return handle;
}

Login* LoginTable::find(const ipc::LoginHandle& handle)
{
    const auto found = logins_.find(handle);
    return found == logins_.end() ? nullptr : &found->second;
}

std::vector<std::pair<ipc::LoginHandle, Login>> LoginTable::take_revoked(const UserStore& users)
{
    std::vector<std::pair<ipc::LoginHandle, Login>> revoked;
    for (auto login = logins_.begin(); login != logins_.end();) {
        if (holds(users, login->second.user, login->second.generation)) {
            ++login;
        } else {
            revoked.emplace_back(login->first, std::move(login->second));
            login = logins_.erase(login);
        }
    }
    return revoked;
}

} // namespace ftpc::server
