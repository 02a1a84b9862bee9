#include "client/state/known_servers.hpp"

#include "client/outcome.hpp"

using namespace ftpc::client;

namespace {

const std::string pin = "SHA256:" + std::string(43, 'A');
KnownServer example()
{
    const ServerAddress server{"files.example.org", 2121};
    return {server, "realm-1", "2026-11-29", {Trust::Kind::pin, pin}};
}

std::string problem_of(const std::string& text)
{
    const auto servers = KnownServers::parse(text);
    REQUIRE(servers.has_error());
    return servers.error().message;
}

} // namespace

TEST_CASE("known servers are found by host and port, with the line they stand on")
{
    const auto servers =
        KnownServers::parse("# mine\n\nfiles.example.org:2121 realm-1 2026-11-29 pin=" + pin +
                            "\n[::1]:21 - 2026-01-02 ca=/etc/my certificates/ca.pem\n");
    REQUIRE(servers);
    REQUIRE(servers->find({"files.example.org", 2121}) != nullptr);
    CHECK(*servers->find({"files.example.org", 2121}) == example());
    CHECK(servers->line_of({"files.example.org", 2121}) == 3);
    const KnownServer* other = servers->find({"::1", 21});
    REQUIRE(other != nullptr);
    CHECK(other->realm.empty());
    CHECK(other->trust == Trust{Trust::Kind::ca, "/etc/my certificates/ca.pem"});
    CHECK(servers->find({"files.example.org", 2122}) == nullptr);
    CHECK(servers->line_of({"files.example.org", 2122}) == 0);
}

TEST_CASE("a changed server replaces its line and leaves all others as they are")
{
    const std::string text = "# mine\nfiles.example.org:2121 realm-1 2026-11-29 pin=" + pin +
                             "\nother:1 - 2026-01-02 pin=" + pin + "\n";
    auto servers = KnownServers::parse(text);
    REQUIRE(servers);
    KnownServer changed = example();
    changed.realm = "realm-2";
    servers->put(changed);
    servers->put({{"third", 3}, "", "2026-11-30", {Trust::Kind::ca, "/ca.pem"}});
    CHECK(servers->text() == "# mine\nfiles.example.org:2121 realm-2 2026-11-29 pin=" + pin +
                                 "\nother:1 - 2026-01-02 pin=" + pin + "\nthird:3 - 2026-11-30 ca=/ca.pem\n");
    CHECK(*servers->find(example().server) == changed);
}

TEST_CASE("a broken line of known_servers is named with its number and reason")
{
    const std::string good = "a:1 - 2026-01-02 pin=" + pin + "\n";
    CHECK(ftpc::test::contains(problem_of(good + "a b:1 - 2026-01-02 pin=" + pin), "line 2: "));
    CHECK(ftpc::test::contains(problem_of("a:1 re/alm 2026-01-02 pin=" + pin), "realm"));
    CHECK(ftpc::test::contains(problem_of("a:1 - yesterday pin=" + pin), "date"));
    CHECK(ftpc::test::contains(problem_of("a:1 - 2026-01-0 pin=" + pin), "date"));
    CHECK(ftpc::test::contains(problem_of("a:1 - 2026-01-02 pin=SHA256:short"), "fourth"));
    CHECK(ftpc::test::contains(problem_of("a:1 - 2026-01-02 ca=relative.pem"), "fourth"));
    CHECK(ftpc::test::contains(problem_of("a:1 - 2026-01-02"), "fourth"));
    CHECK(ftpc::test::contains(problem_of(good + good), "second time"));
}
