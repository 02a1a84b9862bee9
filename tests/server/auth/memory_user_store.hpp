// Users in memory, for tests of the callers of UserStore.
#pragma once

#include "server/users/password_hash.hpp"
#include "server/users/user_store.hpp"
#include "shared/protocol/prehash.hpp"

#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace ftpc::test {

// The least that may be configured, so that tests are quick.
inline constexpr ScryptCost cheap{.ln = 10, .r = 8, .p = 1};

class MemoryUserStore final : public server::UserStore {
public:
    const std::string& realm() const override { return realm_; }

    std::optional<server::User> find(std::string_view name) const override
    {
        const std::scoped_lock lock{mutex_};
        const auto found = users_.find(name);
        if (found == users_.end()) return std::nullopt;
        return found->second;
    }

    std::size_t size() const override { return users_.size(); }

    std::optional<server::User> pick(std::uint64_t number) const override
    {
        if (users_.empty()) return std::nullopt;
        return std::next(users_.begin(), static_cast<std::ptrdiff_t>(number % users_.size()))->second;
    }

    Result<bool> renew_password_hash(std::string_view name, std::string_view expected,
                                     std::string_view renewed) override
    {
        const std::scoped_lock lock{mutex_};
        const auto found = users_.find(name);
        if (found == users_.end() || found->second.password_hash != expected) return false;
        found->second.password_hash = renewed;
        return true;
    }

    void set_realm(std::string realm) { realm_ = std::move(realm); }

    // The user as it was added, for changes.
    server::User& add(const std::string& name, std::string_view password, ScryptCost cost = cheap,
                      const server::Pepper& pepper = {})
    {
        server::User& user = users_[name];
        user.name = name;
        user.home = name;
        user.generation = 1;
        user.password_hash = to_text(make_password_hash(prehash(password, realm_, name), cost, pepper));
        return user;
    }
    void remove(const std::string& name) { users_.erase(name); }

private:
    std::string realm_ = "test-realm";
    mutable std::mutex mutex_; // hashes are renewed by other threads
    std::map<std::string, server::User, std::less<>> users_;
};

} // namespace ftpc::test
