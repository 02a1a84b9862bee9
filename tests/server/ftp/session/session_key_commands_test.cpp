// SITE SESSION: enrolling, ending and listing session keys.
#include "server/ftp/session/session_driver.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

const std::string zeros32(43, 'A');
const std::string id = "00112233445566778899aabbccddeeff";
// The public key of the vector in docs/protocol.md.
const std::string key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const std::string enrolled = "enrol d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a for ";

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
    CHECK(outcome("SITE SESSION NEW " + key) == enrolled + "0");
    CHECK(outcome("SITE SESSION NEW " + key) == "503");
    log_in_by("PASS secret");
    CHECK(outcome("SITE SESSION NEW " + key + " 3600") == enrolled + "3600");
    log_in_by("SITE AUTH PREHASH1 " + zeros32);
    CHECK(outcome("site session new " + key) == enrolled + "0");
}

TEST_CASE_METHOD(KeyTest, "a login by session key enrols no other")
{
    log_in_by("SITE AUTH SESSKEY1 " + id + " " + std::string(86, 'A'));
    CHECK(session.logged_in());
    CHECK(outcome("SITE SESSION NEW " + key) == "503");
}

TEST_CASE_METHOD(KeyTest, "a login by session key enrols no other, even behind a PREHASH1 that was malformed")
{
    session.on_line("USER alice");
    session.on_line("SITE AUTH PREHASH1 junk");
    session.on_line("SITE AUTH SESSKEY1 " + id + " " + std::string(86, 'A'));
    session.on_login(LoginOutcome::granted);
    CHECK(outcome("SITE SESSION NEW " + key) == "503");
}

TEST_CASE_METHOD(KeyTest, "a key of small order is refused like a malformed one")
{
    CHECK(outcome("SITE SESSION NEW " + zeros32) == "501");
    CHECK(outcome("SITE SESSION NEW AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 60") == "501");
    CHECK(outcome("SITE SESSION NEW " + key) == enrolled + "0");
}

TEST_CASE_METHOD(KeyTest, "a malformed key or life time is 501 and leaves the one enrolment untouched")
{
    for (const std::string& argument :
         {std::string{}, std::string{"x"}, std::string(42, 'A'), key + "=", key + " 0", key + " -1",
          key + " 1h", key + " 4294967296", key + " 60 60", key + "  60", " " + key}) {
        INFO(argument);
        CHECK(outcome("SITE SESSION NEW " + argument) == "501");
    }
    CHECK(outcome("SITE SESSION NEW") == "501");
    CHECK(outcome("SITE SESSION NEW " + key + " 4294967295") == enrolled + "4294967295");
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
    CHECK(session.on_key_ended({1, ipc::EndStatus::ended}) == Reply{200, "Session ended."});
    CHECK(session.on_key_ended({1, ipc::EndStatus::no_such_key}).code == 550);
    CHECK(session.on_key_ended({1, ipc::EndStatus::not_written}).code == 451);
    CHECK(session.on_keys_listed({1, {}}) == Reply{200, "Session keys:\nEnd"});
    CHECK(session.on_keys_listed({1, {{session_id, 10, 20}, {{}, 30, 40}}}) ==
          Reply{200, "Session keys:\n" + id + " CREATED 10 EXPIRES 20\n" + std::string(32, '0') +
                         " CREATED 30 EXPIRES 40\nEnd"});
}
