#include "client/base/server_address.hpp"

#include "client/outcome.hpp"

using namespace ftpc::client;

TEST_CASE("a server is a host name or address with or without a port")
{
    CHECK(*parse_server("Files.Example.org") == ServerAddress{"files.example.org", 2121});
    CHECK(*parse_server("files.example.org:21") == ServerAddress{"files.example.org", 21});
    CHECK(*parse_server("10.0.0.1:65535") == ServerAddress{"10.0.0.1", 65535});
    CHECK(*parse_server("::1") == ServerAddress{"::1", 2121});
    CHECK(*parse_server("[::1]") == ServerAddress{"::1", 2121});
    CHECK(*parse_server("[FE80::1%eth0]:2200") == ServerAddress{"fe80::1%eth0", 2200});
}

TEST_CASE("a malformed server is refused with a reason")
{
    for (const char* text : {"", ":2121", "host:", "host:0", "host:65536", "host:21x", "host:+21", "a b",
                             "host/path", "[::1", "[::1]2121", "[::1]:", "[host]:21", "1:2:3", "-host",
                             ".host", "h\xc3\xb6st", "host\n", "user@host"}) {
        INFO(text);
        const auto server = parse_server(text);
        REQUIRE(server.has_error());
        CHECK(server.error().status == ExitStatus::usage);
        CHECK(server.error().message.find('\n') == std::string::npos);
    }
    CHECK(parse_server(std::string(254, 'a')).has_error());
}

TEST_CASE("the text of a server is read back as the same server")
{
    for (const auto& server :
         {ServerAddress{"host", 2121}, ServerAddress{"::1", 21}, ServerAddress{"10.0.0.1", 9}})
        CHECK(*parse_server(server.text()) == server);
    CHECK(ServerAddress{"::1", 21}.text() == "[::1]:21");
}

TEST_CASE("a login target names user, host and port, each of them optional")
{
    const auto target = parse_login_target("alice@host:21");
    CHECK(*target->user == "alice");
    CHECK(*target->host == "host");
    CHECK(*target->port == 21);

    CHECK_FALSE(parse_login_target("")->user);
    CHECK(*parse_login_target("alice")->user == "alice");
    CHECK_FALSE(parse_login_target("alice")->host);
    CHECK(*parse_login_target("alice:21")->port == 21);
    CHECK_FALSE(parse_login_target("@host")->user);
    CHECK(*parse_login_target("@host")->host == "host");
    CHECK_FALSE(parse_login_target("@host")->port);
    CHECK(*parse_login_target("alice@[::1]:21")->host == "::1");
    CHECK(*parse_login_target(":21")->port == 21);
}

TEST_CASE("a malformed login target is refused")
{
    for (const char* text :
         {"Alice@host", "a b", "alice@", "alice@host:x", "alice:0", "alice:", "al:ice@host"}) {
        INFO(text);
        REQUIRE(parse_login_target(text).has_error());
        CHECK(parse_login_target(text).error().status == ExitStatus::usage);
    }
}

TEST_CASE("a login goes to the host named, else to the last server, else to FTPC_SERVER, else to localhost")
{
    const ServerAddress last{"last", 2200};
    CHECK(*choose_server({{}, "named", {}}, last, "environment") == ServerAddress{"named", 2121});
    CHECK(*choose_server({{}, {}, {}}, last, "environment") == last);
    CHECK(*choose_server({{}, {}, {}}, {}, "environment:21") == ServerAddress{"environment", 21});
    CHECK(*choose_server({{}, {}, {}}, {}, "") == ServerAddress{"localhost", 2121});
}

TEST_CASE("a port alone changes the port of the server chosen")
{
    CHECK(*choose_server({{}, {}, 99}, ServerAddress{"last", 2200}, "") == ServerAddress{"last", 99});
    CHECK(*choose_server({{}, {}, 99}, {}, "") == ServerAddress{"localhost", 99});
}

TEST_CASE("a malformed FTPC_SERVER is named as the one at fault, when it is needed")
{
    const auto server = choose_server({}, {}, "bad host");
    REQUIRE(server.has_error());
    CHECK(ftpc::test::contains(server.error().message, "FTPC_SERVER"));
    CHECK(choose_server({}, ServerAddress{"last", 1}, "bad host"));
}
