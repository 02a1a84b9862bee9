// A listing in pieces while threads are scarce. The test is the loop.
#include "server/ftp/transfers/listing_source.hpp"

#include "server/storage/tree_fixture.hpp"
#include "support/time_scale.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

using namespace ftpc;
using namespace ftpc::server;
namespace asio = boost::asio;

namespace {

constexpr int entries = 2000; // of which a piece holds a few hundred

struct ListingSourceTest : test::TreeFixture {
    static constexpr Workers::Lane lane{7, false};

    Tree storage = tree();
    EventLoop loop;
    // Shared with a thread that may outlive the test.
    std::shared_ptr<std::promise<void>> goes_on = std::make_shared<std::promise<void>>();
    Workers workers{2}; // one of them for this lane
    std::optional<ListingSource> source;
    std::string listed;
    std::optional<error_code> failure; // none at the end of the listing

    ListingSourceTest()
    {
        for (int i = 0; i < entries; ++i)
            file(std::to_string(i) + std::string(200, 'x'));
        auto listing = Listing::open(storage, storage.open_home("alice").value(), test::path("/"),
                                     ListingForm::names, FactSet{});
        source.emplace(loop, workers, lane,
                       read_piece(std::move(listing), ListingSource::piece_bytes).value());
    }
    ~ListingSourceTest()
    {
        if (goes_on) go_on();
        while (workers.busy()) // with what belongs to the test
            std::this_thread::yield();
        loop.turn(false);
    }

    // A file system hangs, and all the work that waits for it is as much as can.
    void let_it_hang()
    {
        REQUIRE(workers.submit(lane, [wait = goes_on->get_future().share()] { wait.wait(); }));
        while (workers.submit(lane, [] {})) {
        }
    }
    void go_on() { std::exchange(goes_on, nullptr)->set_value(); }

    void list()
    {
        asio::co_spawn(
            loop.io(),
            [this]() -> asio::awaitable<void> {
                while (true) {
                    auto piece = co_await source->next();
                    failure = piece ? error_code{} : piece.error();
                    if (piece) listed += piece->bytes;
                    if (!piece || piece->last) break;
                    failure.reset();
                }
            },
            asio::detached);
    }
    template <class Condition>
    bool turn_until(Condition condition)
    {
        const auto deadline = EventLoop::Clock::now() + test::patience();
        while (!condition() && EventLoop::Clock::now() < deadline)
            loop.turn(false);
        return condition();
    }
    bool turn_until_ended()
    {
        return turn_until([this] { return failure.has_value(); });
    }
};

} // namespace

TEST_CASE_METHOD(ListingSourceTest,
                 "a listing waits while too much work waits for its file system, and is whole")
{
    let_it_hang();
    list();
    const auto several_tries = EventLoop::Clock::now() + std::chrono::milliseconds{200};
    turn_until([&] { return failure || EventLoop::Clock::now() > several_tries; });
    CHECK_FALSE(failure);
    CHECK_FALSE(listed.empty()); // the first piece was there
    go_on();
    REQUIRE(turn_until_ended());
    CHECK(failure == error_code{});
    CHECK(std::count(listed.begin(), listed.end(), '\n') == entries);
}

TEST_CASE_METHOD(ListingSourceTest, "a listing that is cancelled waits for no thread any more")
{
    const bool has_a_place = GENERATE(true, false);
    if (!has_a_place) let_it_hang();
    if (has_a_place) REQUIRE(workers.submit(lane, [wait = goes_on->get_future().share()] { wait.wait(); }));
    list();
    REQUIRE(turn_until([this] { return !listed.empty(); }));
    while (loop.turn(false)) {
    }
    source->cancel();
    REQUIRE(turn_until_ended());
    CHECK(failure == asio::error::operation_aborted);
}
