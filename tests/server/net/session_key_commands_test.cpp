// SITE SESSION: enrolling, ending and listing session keys.
#include "server/net/session_driver.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

const std::string zeros32(43, 'A');
const std::string id = "00112233445566778899aabbccddeeff";
const std::string enrolled = "enrol " + std::string(64, '0') + " for ";

struct KeyTest : test::SessionDriver {
    KeyTest() { log_in(); }

    void log_in_by(const std::string& line)
    {
        session.on_line("USER alice");
        session.on_line(line);
        session.on_login(LoginOutcome::granted);
    }
};

} // namespace

TEST_CASE_METHOD(KeyTest, "a key is enrolled once for each login by password")
{
    CHECK(outcome("SITE SESSION NEW " + zeros32) == enrolled + "0");
    CHECK(outcome("SITE SESSION NEW " + zeros32) == "503");
    log_in_by("PASS secret");
    CHECK(outcome("SITE SESSION NEW " + zeros32 + " 3600") == enrolled + "3600");
    log_in_by("SITE AUTH PREHASH1 " + zeros32);
    CHECK(outcome("site session new " + zeros32) == enrolled + "0");
}

TEST_CASE_METHOD(KeyTest, "a login by session key enrols no other")
{
    log_in_by("SITE AUTH SESSKEY1 " + id + " " + std::string(86, 'A'));
    CHECK(session.logged_in());
    CHECK(outcome("SITE SESSION NEW " + zeros32) == "503");
}

TEST_CASE_METHOD(KeyTest, "a login by session key enrols no other, even behind a PREHASH1 that was malformed")
{
    session.on_line("USER alice");
    session.on_line("SITE AUTH PREHASH1 junk");
    session.on_line("SITE AUTH SESSKEY1 " + id + " " + std::string(86, 'A'));
    session.on_login(LoginOutcome::granted);
    CHECK(outcome("SITE SESSION NEW " + zeros32) == "503");
}

TEST_CASE_METHOD(KeyTest, "a malformed key or life time is 501 and leaves the one enrolment untouched")
{
    for (const std::string& argument :
         {std::string{}, std::string{"x"}, std::string(42, 'A'), zeros32 + "=", zeros32 + " 0",
          zeros32 + " -1", zeros32 + " 1h", zeros32 + " 4294967296", zeros32 + " 60 60", zeros32 + "  60",
          " " + zeros32}) {
        INFO(argument);
        CHECK(outcome("SITE SESSION NEW " + argument) == "501");
    }
    CHECK(outcome("SITE SESSION NEW") == "501");
    CHECK(outcome("SITE SESSION NEW " + zeros32 + " 4294967295") == enrolled + "4294967295");
}

TEST_CASE_METHOD(KeyTest, "a key is ended by its id, or that of this login without one")
{
    CHECK(outcome("SITE SESSION END") == "end own key");
    CHECK(outcome("SITE SESSION END " + id) == "end " + id);
    CHECK(outcome("SITE SESSION END " + id + "00") == "501");
    CHECK(outcome("SITE SESSION END " + id + " ") == "501");
    CHECK(outcome("SITE SESSION END all") == "501");
    CHECK(session.logged_in());
}

TEST_CASE_METHOD(KeyTest, "other words after SITE SESSION are 501")
{
    for (const char* const line : {"SITE SESSION", "SITE SESSION ", "SITE SESSION LIST all",
                                   "SITE SESSION RENEW", "SITE SESSION  LIST"}) {
        INFO(line);
        CHECK(outcome(line) == "501");
    }
}

TEST_CASE_METHOD(KeyTest, "the answers about keys read as the protocol page says")
{
    const auto session_id = test::unhex_array<16>(id);
    CHECK(session.on_key_enrolled({1, true, session_id, 1764403200}) ==
          Reply{200, "SESSION " + id + " EXPIRES 1764403200"});
    CHECK(session.on_key_enrolled({1, false, {}, 0}).code == 451);
    CHECK(session.on_key_ended({1, true}) == Reply{200, "Session ended."});
    CHECK(session.on_key_ended({1, false}).code == 550);
    CHECK(session.on_keys_listed({1, {}}) == Reply{200, "Session keys:\nEnd"});
    CHECK(session.on_keys_listed({1, {{session_id, 10, 20}, {{}, 30, 40}}}) ==
          Reply{200, "Session keys:\n" + id + " CREATED 10 EXPIRES 20\n" + std::string(32, '0') +
                         " CREATED 30 EXPIRES 40\nEnd"});
}
