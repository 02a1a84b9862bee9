// A value from another thread, in time or late; and who may be gone first.
#include "server/event_loop/loop_promise.hpp"

#include "support/catch.hpp"

#include <boost/asio.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>

using namespace ftpc::server;
namespace asio = boost::asio;

namespace {

struct LoopPromiseTest {
    std::unique_ptr<EventLoop> loop = std::make_unique<EventLoop>();
    std::optional<LoopPromise<std::string>> promise{*loop};
    LoopPromise<std::string>::Keeper keeper = promise->keeper();
    std::string got;
    std::string late;
    std::thread::id late_on;

    void wait()
    {
        asio::co_spawn(
            loop->io(),
            [this]() -> asio::awaitable<void> { got = (co_await promise->wait()).value_or("nothing"); },
            asio::detached);
    }
    void turn() const
    {
        while (loop->turn(false)) {
        }
    }
    void keep(const std::string& value)
    {
        std::thread{[&] {
            keeper.keep(value, [this](const std::string& text) {
                late = text;
                late_on = std::this_thread::get_id();
            });
        }}.join();
    }
};

} // namespace

TEST_CASE_METHOD(LoopPromiseTest, "a coroutine gets another thread's result")
{
    wait();
    turn();
    CHECK(got.empty());
    keep("done");
    CHECK(got.empty()); // not before the loop goes on
    turn();
    CHECK(got == "done");
    CHECK(late.empty());
}

TEST_CASE_METHOD(LoopPromiseTest, "a value that comes before the wait ends it all the same")
{
    keep("soon");
    wait();
    turn();
    CHECK(got == "soon");
}

TEST_CASE_METHOD(LoopPromiseTest, "a cancelled wait ends with nothing, and a later value is late")
{
    wait();
    turn();
    promise->cancel();
    turn();
    CHECK(got == "nothing");
    promise.reset();
    keep("too late");
    turn();
    CHECK(late == "too late");
    CHECK(late_on == std::this_thread::get_id());
}

// AddressSanitizer and UndefinedBehaviorSanitizer see it if the keeper still has the timer.
TEST_CASE_METHOD(LoopPromiseTest, "a holder of the promise may outlive the loop")
{
    wait();
    std::function<void()> on_another_thread = [keeper = std::move(keeper)]() mutable {
        keeper.keep("done", [](const std::string&) {});
    };
    std::thread{[&] { on_another_thread(); }}.join();
    turn();
    CHECK(got == "done");
    promise.reset();
    loop.reset();
    on_another_thread = nullptr;
}

TEST_CASE_METHOD(LoopPromiseTest, "a value between the end of a wait and the coroutine's turn is late")
{
    wait();
    turn();
    keep("just too late");
    promise->cancel(); // the kept job has not had its turn
    turn();
    CHECK(got == "nothing");
    CHECK(late == "just too late");
}
