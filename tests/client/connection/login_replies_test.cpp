#include "client/connection/login_replies.hpp"

#include "client/outcome.hpp"

using namespace ftpc;
using namespace ftpc::client;

namespace {

const ServerAddress server{"host", 2121};

Outcome<void> replies(const std::vector<Reply>& all)
{
    LoginReplies login{server, "alice"};
    for (const Reply& reply : all) {
        CHECK_FALSE(login.complete());
        if (auto taken = login.on_reply(reply); !taken) return taken;
    }
    CHECK(login.complete());
    return {};
}

ExitStatus status_of(const std::vector<Reply>& all)
{
    const auto taken = replies(all);
    REQUIRE(taken.has_error());
    return taken.error().status;
}

} // namespace

TEST_CASE("331 and 230 are a login")
{
    CHECK(replies({{331, "Password required."}, {230, "Logged in."}}));
}

TEST_CASE("a refused login names the server and the user")
{
    const auto refused = replies({{331, ""}, {530, "Login refused."}});
    REQUIRE(refused.has_error());
    CHECK(refused.error().status == ExitStatus::refused);
    CHECK(test::contains(refused.error().message, "login refused by host:2121"));
    CHECK(test::contains(refused.error().message, "alice"));
}

TEST_CASE("a good login without a home that can be used is no refusal, and the reason is shown")
{
    const auto failed =
        replies({{331, ""}, {530, "Your home directory is not there; ask the administrator."}});
    REQUIRE(failed.has_error());
    CHECK(failed.error().status == ExitStatus::failed);
    CHECK(test::contains(failed.error().message, "alice"));
    CHECK(test::contains(failed.error().message, "is not there; ask the administrator"));
}

TEST_CASE("a server that cannot decide now is unreachable rather than refusing")
{
    CHECK(status_of({{331, ""}, {421, "Too many logins."}}) == ExitStatus::unreachable);
    CHECK(status_of({{331, ""}, {451, "The login service is away."}}) == ExitStatus::unreachable);
    CHECK(status_of({{421, "Idle for too long."}}) == ExitStatus::unreachable);
}

TEST_CASE("a permanent refusal of another kind is shown with the server's words")
{
    const auto refused = replies({{331, ""}, {534, "TLS 1.3\x1b only"}});
    REQUIRE(refused.has_error());
    CHECK(refused.error().status == ExitStatus::refused);
    CHECK(test::contains(refused.error().message, "534 TLS 1.3\\x1b only"));
}

TEST_CASE("positive replies out of place are no login")
{
    CHECK(status_of({{230, "come in"}}) == ExitStatus::unreachable);
    CHECK(status_of({{331, ""}, {331, ""}}) == ExitStatus::unreachable);
    CHECK(status_of({{331, ""}, {200, ""}}) == ExitStatus::unreachable);
}

TEST_CASE("the realm is read from the features")
{
    const Reply features{211, "Features:\nAUTH TLS\nSITE AUTH PREHASH1;SESSKEY1\nSITE REALM r-1\nEnd"};
    CHECK(*announced_realm(features) == "r-1");
    CHECK_FALSE(announced_realm({211, "Features:\nSITE MKDIR\nEnd"}));
    CHECK_FALSE(announced_realm({211, "Features:\nSITE REALM not/one\nEnd"}));
    CHECK_FALSE(announced_realm({211, "Features:\nSITE REALM\nEnd"}));
    CHECK_FALSE(announced_realm({502, "SITE REALM r-1"}));
}

TEST_CASE("a granted session has an id and an end")
{
    const std::string id = "000102030405060708090a0b0c0d0eff";
    const auto granted = granted_session({200, "SESSION " + id + " EXPIRES 1795000000"});
    REQUIRE(granted);
    CHECK(granted->id[1] == 1);
    CHECK(granted->id[15] == 0xff);
    CHECK(granted->expires == 1795000000);
    for (const std::string& text : {"SESSION " + id, "SESSION " + id + " EXPIRES",
                                    "SESSION " + id + " EXPIRES -1", "SESSION " + id + " EXPIRES 1x",
                                    "SESSION " + id.substr(1) + " EXPIRES 1", "KEY " + id + " EXPIRES 1"})
        CHECK_FALSE(granted_session({200, text}));
    CHECK_FALSE(granted_session({250, "SESSION " + id + " EXPIRES 1795000000"}));
}
