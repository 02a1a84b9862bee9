#include "server/ftp/session/session_driver.hpp"
#include "support/catch.hpp"

#include <cerrno>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using ftpc::test::outcome_text;

namespace {

struct LoginTest : test::SessionDriver {
    LoginTest() { start_tls(); }

    std::string on_login(LoginOutcome result) { return outcome_text(session.on_login(result)); }

    // One refused attempt; returns the reply.
    std::string fail_once()
    {
        session.on_line("USER alice");
        session.on_line("PASS wrong");
        return on_login(LoginOutcome::refused);
    }
};

// 32 and 64 zero bytes in base64.
const std::string zeros32(43, 'A');
const std::string zeros64(86, 'A');
const std::string id = "00112233445566778899aabbccddeeff";

std::string zero_hex(std::size_t bytes)
{
    return std::string(2 * bytes, '0');
}

} // namespace

TEST_CASE_METHOD(LoginTest, "USER and PASS ask for a login by password")
{
    CHECK(outcome("USER alice") == "331");
    CHECK(outcome("PASS correct horse  battery ") == "log in alice by password correct horse  battery ");
    CHECK_FALSE(session.logged_in());
    CHECK(on_login(LoginOutcome::granted) == "230");
    CHECK(session.logged_in());
    CHECK(session.user() == "alice");
}

TEST_CASE_METHOD(LoginTest, "PASS needs a USER before it, each time")
{
    CHECK(outcome("PASS secret") == "503");
    log_in();
    CHECK(outcome("PASS secret") == "503");
    CHECK(session.logged_in());
    session.on_line("USER alice");
    session.on_line("PASS wrong");
    CHECK(on_login(LoginOutcome::refused) == "530");
    CHECK(outcome("PASS secret") == "503");
}

TEST_CASE_METHOD(LoginTest, "USER anew forgets the login and the working directory")
{
    log_in();
    change_directory("/a/b");
    CHECK(outcome("USER bob") == "331");
    CHECK_FALSE(session.logged_in());
    CHECK(session.working_directory().is_home());
    CHECK(outcome("MKD x") == "530");
    CHECK(outcome("SITE SESSION LIST") == "530");
    CHECK(outcome("PASS secret") == "log in bob by password secret");
}

TEST_CASE_METHOD(LoginTest, "a name that nobody can have gets its 331 and costs a login like any other")
{
    for (const char* const name : {"Alice", "0day", "alice bob", "../etc", "-", "资料",
                                   "a23456789012345678901234567890123", "alice "}) {
        INFO(name);
        CHECK(outcome("USER " + std::string{name}) == "331");
        CHECK(outcome("PASS secret") == "log in  by password secret");
        on_login(LoginOutcome::unavailable);
    }
    CHECK(outcome("USER Alice") == "331");
    CHECK(outcome("SITE AUTH PREHASH1 " + zeros32) == "log in  by prehash " + zero_hex(32));
}

TEST_CASE_METHOD(LoginTest,
                 "a user name with control characters or broken UTF-8 is 501 and ends the login before it")
{
    log_in();
    CHECK(outcome("USER ali\x01"
                  "ce") == "501");
    CHECK_FALSE(session.logged_in());
    CHECK(outcome("PASS secret") == "503");
    CHECK(outcome("USER \xc3(") == "501");
    CHECK(outcome("USER \xc2\x85") == "501");
    CHECK(outcome(std::string_view{"USER a\0b", 8}) == "501");
}

TEST_CASE_METHOD(LoginTest, "a password that is empty, too long or not UTF-8 is refused like a wrong one")
{
    for (const std::string& line : {std::string{"PASS"}, std::string{"PASS "},
                                    "PASS " + std::string(1025, 'x'), std::string{"PASS \xff"}}) {
        test::SessionDriver one;
        one.start_tls();
        one.session.on_line("USER alice");
        CHECK(one.outcome(line) == "530");
        CHECK(one.outcome(line) == "503");
    }
    session.on_line("USER alice");
    CHECK(outcome("PASS " + std::string(1024, 'x')) == "log in alice by password " + std::string(1024, 'x'));
}

TEST_CASE_METHOD(LoginTest,
                 "the third refused login gets its 530 and ends the connection, however it was refused")
{
    CHECK(fail_once() == "530");
    session.on_line("USER alice");
    CHECK(outcome("PASS") == "530");
    session.on_line("USER alice");
    session.on_line("SITE AUTH SESSKEY1 " + id + " " + zeros64);
    CHECK(on_login(LoginOutcome::refused) == "530, 421, close");
}

TEST_CASE_METHOD(LoginTest, "REIN and a new handshake do not begin the count of refusals anew")
{
    CHECK(fail_once() == "530");
    CHECK(fail_once() == "530");
    session.on_line("REIN");
    session.on_tls(TlsVersion::tls_1_3);
    CHECK(fail_once() == "530, 421, close");
}

TEST_CASE_METHOD(LoginTest, "the third refusal counts also when a login was granted between")
{
    CHECK(fail_once() == "530");
    CHECK(fail_once() == "530");
    session.on_line("USER alice");
    session.on_line("PASS secret");
    CHECK(on_login(LoginOutcome::granted) == "230");
    CHECK(fail_once() == "530, 421, close");
}

TEST_CASE_METHOD(LoginTest,
                 "a busy server ends the connection; one that cannot check now does not, nor counts it")
{
    for (int i = 0; i < 5; ++i) {
        session.on_line("USER alice");
        session.on_line("PASS secret");
        CHECK(on_login(LoginOutcome::unavailable) == "451");
        CHECK_FALSE(session.logged_in());
    }
    session.on_line("USER alice");
    session.on_line("PASS secret");
    CHECK(on_login(LoginOutcome::busy) == "421, close");
    CHECK_FALSE(session.logged_in());
}

TEST_CASE_METHOD(LoginTest, "a client that was turned out while its login was checked is told so")
{
    session.on_line("USER alice");
    session.on_line("PASS secret");
    const Action action = session.on_login(LoginOutcome::turned_out);
    CHECK(std::get<LastReply>(action).reply.text == "Too many connections; try again later.");
    CHECK_FALSE(session.logged_in());
}

TEST_CASE_METHOD(LoginTest,
                 "one whose home cannot be opened is told why, and without descriptors gives up its own")
{
    const auto answer = [this](int number) {
        session.on_line("USER alice");
        session.on_line("PASS secret");
        return outcome_text(
            session.on_login(LoginOutcome::home_unusable, 0, {number, boost::system::system_category()}));
    };
    CHECK(answer(ENOENT) == "530");
    CHECK(answer(EIO) == "451");
    CHECK_FALSE(session.logged_in());
    CHECK(answer(EMFILE) == "421, close");
}

TEST_CASE_METHOD(LoginTest, "PREHASH1 takes 32 bytes of canonical base64 and nothing else")
{
    CHECK(outcome("SITE AUTH PREHASH1 " + zeros32) == "503");
    session.on_line("USER alice");
    for (const std::string& argument :
         {std::string{}, std::string(42, 'A'), std::string(44, 'A'), zeros32 + "=",
          std::string(42, 'A') + "B", zeros32 + " x", " " + zeros32, zeros64, std::string(42, 'A') + "!"}) {
        INFO(argument);
        CHECK(outcome("SITE AUTH PREHASH1 " + argument) == "501");
    }
    CHECK(outcome("SITE AUTH PREHASH1") == "501");
    CHECK(outcome("SITE AUTH prehash1 " + zeros32) == "log in alice by prehash " + zero_hex(32));
    CHECK(on_login(LoginOutcome::granted) == "230");
    CHECK(outcome("SITE AUTH PREHASH1 " + zeros32) == "503");
}

TEST_CASE_METHOD(LoginTest, "SESSKEY1 takes an id and a signature and nothing else")
{
    CHECK(outcome("SITE AUTH SESSKEY1 " + id + " " + zeros64) == "503");
    session.on_line("USER alice");
    const std::string upper = "00112233445566778899AABBCCDDEEFF";
    for (const std::string& argument :
         {std::string{}, id, id + " ", id + " " + zeros32, id + "00 " + zeros64, upper + " " + zeros64,
          id + "  " + zeros64, id + " " + zeros64 + " x", zeros64 + " " + id}) {
        INFO(argument);
        CHECK(outcome("SITE AUTH SESSKEY1 " + argument) == "501");
    }
    CHECK(outcome("SITE AUTH SESSKEY1 " + id + " " + zeros64) ==
          "log in alice by session key " + id + " " + zero_hex(64));
}

TEST_CASE_METHOD(LoginTest, "SESSKEY1 under TLS 1.2 is refused, whose exporter it cannot rely on")
{
    start_tls(TlsVersion::tls_1_2);
    session.on_line("USER alice");
    CHECK(outcome("SITE AUTH SESSKEY1 " + id + " " + zeros64) == "534");
    CHECK(outcome("SITE AUTH PREHASH1 " + zeros32) == "log in alice by prehash " + zero_hex(32));
}

TEST_CASE_METHOD(LoginTest, "other methods of SITE AUTH are 504")
{
    session.on_line("USER alice");
    for (const char* const line :
         {"SITE AUTH", "SITE AUTH ", "SITE AUTH PREHASH2 x", "SITE AUTH PREHASH1;SESSKEY1",
          "SITE AUTH  PREHASH1 x", "SITE AUTH PLAIN"}) {
        INFO(line);
        CHECK(outcome(line) == "504");
    }
    CHECK(outcome("PASS secret") == "log in alice by password secret");
}

TEST_CASE_METHOD(LoginTest, "a login from a limited address ends the connection, and says how long to wait")
{
    for (const auto& [seconds, words] :
         {std::pair{1U, "try again in 1 minute."}, {61U, "try again in 2 minutes."}}) {
        session.on_line("USER alice");
        session.on_line("PASS secret");
        const Action action = session.on_login(LoginOutcome::limited, seconds);
        REQUIRE(std::holds_alternative<LastReply>(action));
        const Reply reply = std::get<LastReply>(action).reply;
        CHECK(reply.code == 421);
        CHECK(reply.text.ends_with(words));
        CHECK_FALSE(session.logged_in());
    }
}
