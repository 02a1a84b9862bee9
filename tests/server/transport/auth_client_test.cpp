// net's questions to auth over a real channel, of which this side is auth: answers, withdrawals, bursts,
// loss.
#include "server/transport/auth_client.hpp"

#include "support/captured_log.hpp"
#include "support/catch.hpp"

#include <fcntl.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct AuthClientTest {
    boost::asio::io_context loop{1};
    std::vector<std::string> realms;
    std::vector<ipc::LoginHandle> revoked;
    std::vector<ipc::LimitChanged> changes;
    int losses = 0;
    AuthClient client{
        loop,
        {.on_realm = [this](const std::string& realm) { realms.push_back(realm); },
         .on_revoked = [this](const ipc::LoginHandle& login) { revoked.push_back(login); },
         .on_limit_changed = [this](const ipc::LimitChanged& change) { changes.push_back(change); },
         .on_lost = [this] { ++losses; }}};
    UniqueFd auth;
    // The outcome by question. An inner none: there will be no answer.
    std::map<ipc::RequestId, std::optional<ipc::Answer>> answers;

    AuthClientTest() { connect(); }

    void connect()
    {
        auto ends = ipc::make_channel();
        auth = std::move(ends.first);
        REQUIRE(::fcntl(auth.get(), F_SETFL, O_NONBLOCK) == 0);
        client.connect(std::move(ends.second));
    }
    void run()
    {
        loop.restart();
        loop.poll();
    }
    ipc::RequestId ask(ipc::Request question = ipc::LogInWithPrehash{})
    {
        const auto id = std::make_shared<ipc::RequestId>();
        *id = client.ask(std::move(question), [this, id](std::optional<ipc::Answer> answer) {
            const bool first = answers.emplace(*id, std::move(answer)).second;
            CHECK(first);
        });
        return *id;
    }
    // The next request that auth gets; none: nothing was sent.
    std::optional<ipc::Request> received() const
    {
        const auto packet = ipc::receive_packet(auth.get(), ipc::max_message_bytes);
        if (!packet || packet->bytes.empty()) return std::nullopt;
        return ipc::decode_request(packet->bytes).value();
    }
    void reply(const ipc::Answer& answer) const
    {
        REQUIRE(ipc::send_packet(auth.get(), ipc::encode(answer)));
    }
    static ipc::LoginAnswer granted(ipc::RequestId id, const ipc::LoginHandle& login)
    {
        return {.id = id, .status = ipc::LoginStatus::granted, .login = login, .home = "h", .max_dirs = {}};
    }
    // Questions until the kernel takes no more of them.
    std::vector<ipc::RequestId> ask_until_full()
    {
        std::vector<ipc::RequestId> asked;
        while (client.unsent() == 0) {
            asked.push_back(ask());
            run();
        }
        return asked;
    }
};

} // namespace

TEST_CASE_METHOD(AuthClientTest, "each question gets its own answer, in any order")
{
    const auto first = ask();
    const auto second = ask(ipc::ListSessionKeys{});
    run();
    CHECK(std::get<ipc::LogInWithPrehash>(received().value()).id == first);
    CHECK(std::get<ipc::ListSessionKeys>(received().value()).id == second);
    reply(ipc::ListAnswer{second, {}});
    reply(granted(first, {1}));
    run();
    CHECK(std::holds_alternative<ipc::ListAnswer>(answers.at(second).value()));
    CHECK(std::get<ipc::LoginAnswer>(answers.at(first).value()).login == ipc::LoginHandle{1});
}

TEST_CASE_METHOD(AuthClientTest,
                 "realms, revoked logins and changed limits are passed on, however many come at once")
{
    reply(ipc::RealmIs{"r"});
    constexpr std::uint8_t most = 100;
    for (std::uint8_t i = 0; i < most; ++i) {
        reply(ipc::LoginRevoked{{i}});
        reply(ipc::LimitChanged{{i}, i});
    }
    run();
    CHECK(realms == std::vector<std::string>{"r"});
    CHECK(revoked.size() == most);
    REQUIRE(changes.size() == most);
    CHECK(changes.back() == ipc::LimitChanged{{most - 1}, most - 1});
}

TEST_CASE_METHOD(AuthClientTest,
                 "a burst of questions to an auth that is slow to read arrives whole and in order")
{
    constexpr std::size_t most = 20'000;
    std::vector<ipc::RequestId> asked;
    for (std::size_t i = 0; i < most; ++i)
        asked.push_back(ask());
    run();
    for (const auto id : asked) {
        auto request = received();
        if (!request) {
            run();
            request = received();
        }
        REQUIRE(std::get<ipc::LogInWithPrehash>(request.value()).id == id);
    }
    CHECK(losses == 0);
}

TEST_CASE_METHOD(AuthClientTest,
                 "while auth does not read, waiting questions are bounded by waiting connections")
{
    const auto sent = ask_until_full();
    for (int i = 0; i < 100'000; ++i)
        client.withdraw(ask());
    run();
    CHECK(client.unsent() <= 1);
    CHECK(answers.size() >= 99'999);
    for (const auto& [id, answer] : answers)
        REQUIRE_FALSE(answer);
    // Each withdrawal of a question that the kernel has is sent, and sent once.
    for (const auto id : sent) {
        client.withdraw(id);
        client.withdraw(id);
    }
    run();
    CHECK(client.unsent() <= sent.size());
    std::set<ipc::RequestId> withdrawn;
    while (const auto request = received()) {
        if (const auto* withdraw = std::get_if<ipc::Withdraw>(&*request))
            CHECK(withdrawn.insert(withdraw->id).second);
        run();
    }
    CHECK(withdrawn.size() >= sent.size() - 1);
    CHECK(client.unsent() == 0);
}

TEST_CASE_METHOD(AuthClientTest, "a login that is granted when nobody waits any more is ended")
{
    const auto id = ask();
    run();
    REQUIRE(received());
    client.withdraw(id);
    run();
    CHECK(std::get<ipc::Withdraw>(received().value()).id == id);
    reply(granted(id, {5}));
    run();
    CHECK(std::get<ipc::LoginEnded>(received().value()).login == ipc::LoginHandle{5});
    CHECK_FALSE(answers.at(id));
}

TEST_CASE_METHOD(AuthClientTest, "the loss of the channel is reported once, and ends all waits")
{
    const test::CapturedLog log;
    const auto id = ask();
    run();
    SECTION("auth is gone")
    {
        auth.reset();
    }
    SECTION("auth sends a malformed answer")
    {
        REQUIRE(ipc::send_packet(auth.get(), secret_text("nonsense")));
    }
    SECTION("auth sends more than an answer can be")
    {
        REQUIRE(ipc::send_packet(auth.get(), secret_text(std::string(ipc::max_message_bytes + 1, 'x'))));
    }
    SECTION("another channel comes in its place")
    {
        const UniqueFd before = std::move(auth);
        connect();
    }
    run();
    CHECK(losses == 1);
    REQUIRE(answers.count(id) == 1);
    CHECK_FALSE(answers.at(id));
    connect();
    const auto next = ask();
    run();
    reply(ipc::ListAnswer{next, {}});
    run();
    CHECK(answers.at(next));
}

TEST_CASE_METHOD(AuthClientTest, "without a channel nobody waits at all")
{
    auth.reset();
    run();
    const auto id = ask();
    client.tell({{1}});
    client.withdraw(id);
    run();
    CHECK_FALSE(answers.at(id));
    CHECK(client.unsent() == 0);
}
