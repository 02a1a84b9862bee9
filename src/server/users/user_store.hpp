// The users that may log in. The seam for other stores: auth sees users through this interface only.
#pragma once

#include "shared/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::server {

struct User {
    std::string name;          // is_user_name()
    std::string password_hash; // PHC text, see users/password_hash.hpp
    std::string home;          // relative to the tree, without "." or ".."; at most 512 bytes
    // Changes with every passwd, lock and unlock, and with a new user of an old name, but not with a renewed
    // hash. Session keys and open connections are valid for one generation only.
    std::uint64_t generation = 0;
    bool locked = false;
    // How many directories the home may hold. 0: any number; none: as the setting max-dirs says.
    std::optional<std::uint64_t> max_dirs;

    friend bool operator==(const User&, const User&) = default;
};

class UserStore {
public:
    virtual ~UserStore() = default;

    // The random name of this store, which every client hash depends on; 1 to 64 characters.
    virtual const std::string& realm() const = 0;

    virtual std::optional<User> find(std::string_view name) const = 0;

    virtual std::size_t size() const = 0;

    // A user chosen by `number` (taken modulo size), whose hash parameters serve for an unknown name; none
    // if the store is empty.
    virtual std::optional<User> pick(std::uint64_t number) const = 0;

    // Replaces the password hash of `name` if it still is `expected` (compare-and-swap), durably. False when
    // it is not, or the user is gone: somebody was faster, and theirs stands. Fails with the system's error
    // when the store cannot be written.
    virtual Result<bool> renew_password_hash(std::string_view name, std::string_view expected,
                                             std::string_view renewed) = 0;
};

} // namespace ftpc::server
