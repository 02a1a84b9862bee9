#include "server/auth/login/login_table.hpp"

#include "server/auth/memory_user_store.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

Login login(const std::string& user, std::uint64_t generation = 1)
{
    return {.user = user, .generation = generation, .session_key = {}, .may_enrol = true};
}

} // namespace

TEST_CASE("a handle stands for its login until that ends")
{
    LoginTable logins;
    const auto alice = logins.add(login("alice"));
    const auto bob = logins.add(login("bob"));
    REQUIRE(alice);
    REQUIRE(bob);
    CHECK(*alice != *bob);
    CHECK(logins.find(*alice)->user == "alice");
    CHECK(logins.find(ipc::LoginHandle{}) == nullptr);
    logins.remove(*alice);
    logins.remove(*alice);
    CHECK(logins.find(*alice) == nullptr);
    CHECK(logins.find(*bob)->user == "bob");
}

TEST_CASE("there are at most 65,536 logins at a time")
{
    LoginTable logins;
    ipc::LoginHandle last{};
    for (std::size_t i = 0; i < LoginTable::capacity; ++i)
        last = logins.add(login("alice")).value();
    CHECK_FALSE(logins.add(login("alice")));
    logins.remove(last);
    CHECK(logins.add(login("alice")));
}

TEST_CASE("the logins of users who are gone, locked or changed are revoked, and no others")
{
    test::MemoryUserStore users;
    for (const char* name : {"alice", "gone", "locked", "changed"})
        users.add(name, "x");
    LoginTable logins;
    const auto kept = logins.add(login("alice"));
    std::vector<ipc::LoginHandle> expected;
    for (const char* name : {"gone", "locked", "changed", "changed"})
        expected.push_back(*logins.add(login(name)));
    CHECK(logins.take_revoked(users).empty());
    users.remove("gone");
    users.add("locked", "x").locked = true;
    users.add("changed", "x").generation = 2;
    std::vector<ipc::LoginHandle> revoked;
    for (const auto& [handle, login] : logins.take_revoked(users))
        revoked.push_back(handle);
    std::sort(revoked.begin(), revoked.end());
    std::sort(expected.begin(), expected.end());
    CHECK(revoked == expected);
    CHECK(logins.size() == 1);
    CHECK(logins.find(*kept) != nullptr);
}
