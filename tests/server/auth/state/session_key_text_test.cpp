#include "server/auth/state/session_key_text.hpp"

#include "shared/base/base64.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

SessionKey key(std::uint8_t number, const std::string& user = "alice")
{
    SessionKey made{.user = user, .generation = 0xfedcba9876543210, .created = 1000, .expires = 2000};
    made.id.fill(number);
    made.key.fill(static_cast<std::uint8_t>(number + 1));
    return made;
}

std::string problem(const std::string& text)
{
    const auto parsed = parse_session_keys(text);
    REQUIRE(parsed.problems.size() == 1);
    return parsed.problems[0].where + ": " + parsed.problems[0].what;
}

} // namespace

TEST_CASE("session keys are printed and parsed back, in their order")
{
    const std::string text = "# keys\n\n" + session_key_line(key(2)) + session_key_line(key(1, "bob"));
    const auto parsed = parse_session_keys(text);
    CHECK(parsed.problems.empty());
    CHECK(parsed.keys == std::vector<SessionKey>{key(2), key(1, "bob")});
}

TEST_CASE("the line of a session key is the one that is documented")
{
    CHECK(session_key_line(key(0)) ==
          "00000000000000000000000000000000 alice "
          "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE fedcba9876543210 1000 2000\n");
}

TEST_CASE("an empty file holds no session keys")
{
    CHECK(parse_session_keys("").keys.empty());
    CHECK(parse_session_keys("").problems.empty());
}

TEST_CASE("a broken line of sessions.db is reported with its number")
{
    const std::string good = session_key_line(key(1));
    const auto without = [&](std::size_t word) {
        std::size_t begin = 0;
        for (std::size_t i = 0; i < word; ++i)
            begin = good.find(' ', begin) + 1;
        return std::string{good}.erase(begin, good.find_first_of(" \n", begin) - begin + 1) +
               (word == 5 ? "\n" : "");
    };
    for (std::size_t word = 0; word < 6; ++word)
        CHECK_THAT(problem(session_key_line(key(2)) + without(word)),
                   test::starts_with("sessions.db:2: not of the form"));
    const auto with = [&](const std::string& what, const std::string& by) {
        return std::string{good}.replace(good.find(what), what.size(), by);
    };
    for (const std::string& bad :
         {with("alice", "Alice"), with("1000", "-1"), with("1000", "1e3"), with("2000", "2000x"),
          with("2000", "18446744073709551616"), with("fedc", "FEDC"), with("0101", "01g1"),
          with("2000", "2000 more"), with("2000", "2000 " + hex_encode(key(2).id) + " more")})
        CHECK_THAT(problem(bad), test::starts_with("sessions.db:1: not of the form"));
    const std::string end = session_key_end_line(key(1).id);
    for (const std::string& bad : {std::string{"end\n"}, "End" + end.substr(3), end.substr(0, 20) + "\n",
                                   end.substr(0, end.size() - 1) + " more\n"})
        CHECK_THAT(problem(bad), test::starts_with("sessions.db:1: not of the form"));
    CHECK_THAT(problem("#" + std::string(256, 'x') + "\n"), test::contains("longer than 256"));
}

TEST_CASE("session keys have line ends of any system, and other files are named for what they are")
{
    const std::string good = session_key_line(key(1));
    const auto taken = parse_session_keys("\xEF\xBB\xBF" + good.substr(0, good.size() - 1) + "\r\n");
    CHECK(taken.problems.empty());
    CHECK(taken.keys == std::vector{key(1)});
    CHECK_THAT(problem(good + std::string(8, '\0') + "\n"),
               test::starts_with("sessions.db:2: there is a NUL byte"));
    CHECK_THAT(problem("\xFF\xFE" + good), test::starts_with("sessions.db:1: the file is UTF-16"));
    CHECK_THAT(problem(good.substr(0, good.size() - 1) + "\r\r\n"),
               test::starts_with("sessions.db:1: there is a CR"));
}

TEST_CASE("a change that was broken off at any byte is left out, and those before it stay")
{
    const std::string before = session_key_line(key(1)) + session_key_line(key(2));
    for (const std::string& next : {session_key_line(key(3), key(1).id), session_key_end_line(key(1).id)})
        for (std::size_t size = 0; size < next.size(); ++size) {
            const auto parsed = parse_session_keys(before + next.substr(0, size));
            REQUIRE(parsed.problems.empty());
            REQUIRE(parsed.keys == std::vector<SessionKey>{key(1), key(2)});
            REQUIRE(parsed.is_cut == (size != 0));
            REQUIRE(parsed.changes == 2);
        }
}

TEST_CASE("a line ends a key, alone or with one that takes its place")
{
    const std::string text = session_key_line(key(1)) + session_key_line(key(2)) + session_key_line(key(3));
    const auto keys_of = [](const std::string& lines) {
        const auto parsed = parse_session_keys(lines);
        CHECK(parsed.problems.empty());
        return parsed.keys;
    };
    CHECK(keys_of(text + session_key_end_line(key(2).id)) == std::vector<SessionKey>{key(1), key(3)});
    CHECK(keys_of(text + session_key_line(key(4), key(1).id)) ==
          std::vector<SessionKey>{key(2), key(3), key(4)});
    CHECK(keys_of(text + session_key_end_line(key(9).id)).size() == 3);
    CHECK(parse_session_keys(text + session_key_end_line(key(9).id)).changes == 4);
}

TEST_CASE("the lines that end a key are those that are documented")
{
    CHECK(session_key_end_line(key(1).id) == "end 01010101010101010101010101010101\n");
    CHECK(session_key_line(key(0), key(1).id).ends_with(" 1000 2000 01010101010101010101010101010101\n"));
}

TEST_CASE("a session id stands for one key only, and a user has at most 32")
{
    CHECK_THAT(problem(session_key_line(key(1)) + session_key_line(key(1, "bob"))),
               test::starts_with("sessions.db:2: this session id"));
    std::string text;
    for (std::uint8_t i = 0; i < 33; ++i)
        text += session_key_line(key(i));
    CHECK_THAT(problem(text), test::contains("sessions.db:33: user alice has more than 32"));
    CHECK_THAT(problem(session_key_line(key(1)) + session_key_end_line(key(1).id) + session_key_line(key(1))),
               test::starts_with("sessions.db:3: this session id"));
    text.clear();
    for (std::uint8_t i = 0; i < 100; ++i)
        text += session_key_line(key(i), i < 32 ? std::nullopt : std::optional{key(i - 32).id});
    CHECK(parse_session_keys(text).problems.empty());
    CHECK(parse_session_keys(text).keys.size() == 32);
}

TEST_CASE("a key is good from when it was made, and for no longer than session-ttl and its own end allow")
{
    const SessionKey key{.id = {}, .user = "alice", .key = {}, .created = 10000, .expires = 20000};
    const std::chrono::seconds longer{50000};
    const std::chrono::seconds shorter{1000};
    CHECK(state_of(key, 10000, longer) == KeyState::good);
    CHECK(state_of(key, 19999, longer) == KeyState::good);
    CHECK(state_of(key, 20000, longer) == KeyState::expired);
    CHECK(end_of(key, longer) == 20000);
    CHECK(state_of(key, 10999, shorter) == KeyState::good);
    CHECK(state_of(key, 11000, shorter) == KeyState::expired);
    CHECK(end_of(key, shorter) == 11000);
}

TEST_CASE("a key that was made later than now is not good, but for some seconds")
{
    const SessionKey key{.id = {}, .user = "alice", .key = {}, .created = 10000, .expires = 20000};
    CHECK(state_of(key, 10000 - clock_tolerance_seconds, std::chrono::hours{1}) == KeyState::good);
    CHECK(state_of(key, 10000 - clock_tolerance_seconds - 1, std::chrono::hours{1}) ==
          KeyState::from_the_future);
    CHECK(state_of(key, 0, std::chrono::hours{1}) == KeyState::from_the_future);
}

TEST_CASE("no time in the file, however large, makes a key good for longer")
{
    constexpr std::uint64_t most = ~std::uint64_t{0};
    const std::chrono::hours ttl{1};
    const SessionKey endless{.id = {}, .user = "alice", .key = {}, .created = 10000, .expires = most};
    CHECK(end_of(endless, ttl) == 10000 + 3600);
    CHECK(state_of(endless, 10000 + 3600, ttl) == KeyState::expired);
    const SessionKey never{.id = {}, .user = "alice", .key = {}, .created = most, .expires = most};
    CHECK(end_of(never, ttl) == most);
    CHECK(state_of(never, 10000, ttl) == KeyState::from_the_future);
    CHECK(state_of(never, most, ttl) == KeyState::expired);
}
