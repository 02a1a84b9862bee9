#include "server/auth/login/held_logins.hpp"

#include "support/catch.hpp"

#include <boost/asio/io_context.hpp>

#include <string>

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

struct Held {
    boost::asio::io_context loop;
    std::string ran;
    std::string refused;
    HeldLogins held{loop, 3};

    void hold(std::chrono::milliseconds delay, char letter)
    {
        held.hold(delay, {[this, letter] { ran += letter; }, [this, letter] { refused += letter; }});
    }
};

} // namespace

TEST_CASE_METHOD(Held, "a held login runs at its time and not before")
{
    const auto begun = std::chrono::steady_clock::now();
    hold(20ms, 'b');
    hold(1ms, 'a');
    CHECK(ran.empty());
    loop.run();
    CHECK(ran == "ab");
    CHECK(std::chrono::steady_clock::now() - begun >= 20ms);
    CHECK(held.size() == 0);
}

TEST_CASE_METHOD(Held, "beyond the bound one of all is refused, at once")
{
    for (const char letter : {'a', 'b', 'c', 'd', 'e'})
        hold(1ms, letter);
    CHECK(held.size() == 3);
    CHECK(refused.size() == 2);
    loop.run();
    CHECK(ran.size() == 3);
    CHECK(ran.find_first_of(refused) == std::string::npos);
}

TEST_CASE_METHOD(Held, "the first logins do not keep the places")
{
    int kept = 0;
    for (int i = 0; i < 200; ++i) {
        boost::asio::io_context own;
        HeldLogins few{own, 1};
        bool first_refused = false;
        few.hold(1h, {[] {}, [&] { first_refused = true; }});
        few.hold(1h, {[] {}, [] {}});
        kept += first_refused ? 0 : 1;
    }
    CHECK(kept > 50);
    CHECK(kept < 150);
}

TEST_CASE("the end drops held logins, and a loop that goes on runs none of them")
{
    boost::asio::io_context loop;
    bool ran = false;
    {
        HeldLogins held{loop, 3};
        held.hold(1ms, {[&] { ran = true; }, [] {}});
    }
    loop.run();
    CHECK_FALSE(ran);
}
