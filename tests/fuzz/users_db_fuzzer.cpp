// A users.db from anywhere: every byte is either refused or understood, and what is understood is found
// again.
#include "fuzz/require.hpp"
#include "server/users/user_line.hpp"
#include "server/users/users_table.hpp"
#include "shared/base/text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace ftpc::server;
using ftpc::fuzz::require;

namespace {

void check_user(const UsersTable& table, const User& user)
{
    require(table.find(user.name) == user, "a user is found by name");
    const auto parsed = parse_user_line(user_line(user));
    require(std::holds_alternative<User>(parsed) && std::get<User>(parsed) == user,
            "a printed user parses back");
    require(table.objection_to(table.replacing(user)).empty() &&
                !table.objection_to(table.adding(user)).empty(),
            "a user can be replaced, and not be added again");
    const auto replaced = UsersTable::parse(table.text_with(table.replacing(user)));
    require(replaced.table && replaced.table->find(user.name) == user,
            "replacing a user by itself keeps the user");
    const auto removed = UsersTable::parse(table.text_with(table.removing(user.name)));
    require(removed.table && removed.table->size() + 1 == table.size(), "removing a user takes one line");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string text{reinterpret_cast<const char*>(data), size};
    const auto parsed = UsersTable::parse(text);
    require(parsed.problems.empty() == (parsed.table != nullptr), "a file is good or has problems");
    if (!parsed.table) return 0;
    require(parsed.table->text() == text && ftpc::is_realm(parsed.table->realm()), "a good file has a realm");
    for (std::size_t place = 0; place < parsed.table->size(); ++place)
        check_user(*parsed.table, parsed.table->at(place));
    return 0;
}
