#include "server/users/user_line.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

const std::string hash =
    "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$86NJHg9XBxSGJYVgIgkOmRCssPtv4CYnTZX/8quMHmM";
const std::string alice = "user alice " + hash + " staff/alice";

User parsed(const std::string& line)
{
    const auto result = parse_user_line(line);
    INFO(line);
    REQUIRE(std::holds_alternative<User>(result));
    return std::get<User>(result);
}

std::string reason(const std::string& line)
{
    const auto result = parse_user_line(line);
    INFO(line);
    REQUIRE(std::holds_alternative<BadLine>(result));
    return std::get<BadLine>(result).reason;
}

} // namespace

TEST_CASE("a user line has a name, a hash and a home, and options in any order")
{
    const User plain = parsed(alice);
    CHECK(plain == User{.name = "alice",
                        .password_hash = hash,
                        .home = "staff/alice",
                        .generation = plain.generation,
                        .max_dirs = {}});
    const User full = parsed(alice + " max-dirs=18446744073709551615 locked generation=00000000000000ff");
    CHECK(full.generation == 255);
    CHECK(full.locked);
    CHECK(full.max_dirs == 18446744073709551615U);
}

TEST_CASE("words of a user line are parted by any number of spaces and tabs")
{
    CHECK(parsed("  user\talice \t " + hash + "   staff/alice\t\tlocked  ") == parsed(alice + " locked"));
}

TEST_CASE("a printed user line parses back to the same user")
{
    for (const User& user : {
             User{.name = "a", .password_hash = hash, .home = "a", .max_dirs = {}},
             User{.name = "_b.c-d",
             .password_hash = hash,
             .home = "资料/图片",
             .generation = ~0ULL,
             .max_dirs = {}},
             User{.name = "x",
             .password_hash = hash,
             .home = "x",
             .generation = 1,
             .locked = true,
             .max_dirs = 0},
         })
        CHECK(parsed(user_line(user)) == user);
}

TEST_CASE("a user line that is not of its form is refused with the reason")
{
    CHECK_THAT(reason("user"), test::contains("user NAME HASH HOME"));
    CHECK_THAT(reason("user alice"), test::contains("user NAME HASH HOME"));
    CHECK_THAT(reason("user alice " + hash), test::contains("user NAME HASH HOME"));
    CHECK_THAT(reason("user Alice " + hash + " a"), test::contains("'Alice' is not a user name"));
    CHECK_THAT(reason("user al\x1b[2Jice " + hash + " a"), test::contains("al\\x1b[2Jice"));
    CHECK_THAT(reason("user " + std::string(33, 'a') + " " + hash + " a"), test::contains("not a user name"));
    CHECK_THAT(reason("user alice $6$abc$def a"), test::contains("not a password hash"));
    CHECK_THAT(reason("user alice " + hash + " /etc"), test::contains("home"));
    CHECK_THAT(reason(alice + " colour=red"), test::contains("'colour=red'"));
    CHECK_THAT(reason(alice + " Locked"), test::contains("'Locked'"));
    CHECK_THAT(reason(alice + " locked\r"), test::contains("'locked\\x0d'"));
    CHECK_THAT(reason(alice + " locked locked"), test::contains("repeated"));
    CHECK_THAT(reason(alice + " max-dirs=1 max-dirs=1"), test::contains("repeated"));
    CHECK_THAT(reason(alice + " generation=0000000000000000 generation=0000000000000000"),
               test::contains("repeated"));
    for (const char* generation : {"", "0", "000000000000000g", "00000000000000FF", "00000000000000000"})
        CHECK_THAT(reason(alice + " generation=" + generation), test::contains("16 digits"));
    for (const char* count : {"", "-1", "1.5", "18446744073709551616", "ten"})
        CHECK_THAT(reason(alice + " max-dirs=" + count), test::contains("number"));
}

TEST_CASE("a home is a relative path that stays where it is")
{
    for (const char* good : {"a", "a/b", "a..b", "...", ".hidden", "资料"})
        CHECK(is_home(good));
    for (const char* bad : {"", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a b", "a\tb",
                            "a\x7f", "a\nb", "\xff", "\xc2\x85"})
        CHECK_FALSE(is_home(bad));
    CHECK_FALSE(is_home({"a\0b", 3}));
}

TEST_CASE("a home has at most 512 bytes, and each part of it 255")
{
    const std::string part(255, 'x');
    CHECK(is_home(part));
    CHECK_FALSE(is_home(part + "x"));
    CHECK(is_home(part + "/" + part +
                  "/"
                  "x") == false);
    CHECK(is_home(part + "/" + part));
    CHECK(is_home(std::string(200, 'x') + "/" + std::string(200, 'x') + "/" + std::string(110, 'x')));
    CHECK_FALSE(is_home(std::string(200, 'x') + "/" + std::string(200, 'x') + "/" + std::string(111, 'x')));
}

TEST_CASE("a line without a generation has one that follows from the hash, and keeps it when it is written")
{
    const User first = parsed(alice);
    const User again = parsed(alice);
    CHECK(first.generation != 0);
    CHECK(first.generation == again.generation);
    std::string other = alice;
    other[other.find("$86N") + 1] = '9';
    CHECK(parsed(other).generation != first.generation);
    CHECK(parsed(user_line(first)).generation == first.generation);
}
