#include "server/auth/state/login_keeper.hpp"

#include "server/auth/state/login_history_text.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <boost/asio/io_context.hpp>

#include <optional>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct Fixture {
    test::TemporaryDirectory data;
    boost::asio::io_context loop;
    LoginHistory history;
    LoginLimiter limiter{{.address = 1, .account = 1, .forget = std::chrono::seconds{600}}};
    std::optional<LoginKeeper> keeper;

    Fixture() { keeper.emplace(loop, data.fd(), history, limiter); }

    void fail_of(int number)
    {
        const std::string name = std::string{"user"}.append(std::to_string(number));
        history.failed(name, {1'700'000'000, {1}, "password"}, "wrong password");
        keeper->changed();
    }
    // The users in the file, once nothing is left to be written.
    LoginHistory::Users written()
    {
        keeper.reset();
        return read_login_history(data.fd()).value().users;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "many users are written whole, and the loop does other things between")
{
    for (int i = 0; i < 1000; ++i)
        fail_of(i);
    CHECK(loop.run() > 10);
    CHECK(written() == history.users());
}

TEST_CASE_METHOD(Fixture, "a user who fails while others are being written is written, too")
{
    for (int i = 0; i < 1000; ++i)
        fail_of(i);
    REQUIRE(loop.run_one() == 1); // the first of them
    fail_of(1);
    fail_of(2000);
    SECTION("at the next time")
    {
        loop.run();
    }
    SECTION("at the end") {}
    CHECK(written() == history.users());
}
