// Reactors that stay on processors of their own, and the connections that they give to each other.
#include "server/transport/client_processor.hpp"
#include "server/transport/reactors.hpp"
#include "server/transport/tls/stream.hpp"
#include "shared/base/processors.hpp"

#include "support/catch.hpp"
#include "support/loopback.hpp"
#include "support/time_scale.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

// The protocol: a byte that comes is sent back, from wherever its processor is.
class Echo final : public ServedConnection {
public:
    Echo(Reactor& reactor, UniqueFd socket) : stream_{reactor.loop(), std::move(socket)}, reactor_{&reactor}
    {}
    boost::asio::awaitable<Reactor*> run() override
    {
        std::array<char, 16> buffer{};
        while (true) {
            if (Reactor* const nearer = reactor_->on_processor(processor_.look(stream_.descriptor())))
                co_return nearer;
            const auto got = co_await stream_.read_some(buffer);
            if (!got) co_return nullptr;
            co_await stream_.write_all({buffer.data(), *got});
        }
    }
    void leave() override { stream_.leave_loop(); }
    void arrive(Reactor& reactor) override
    {
        reactor_ = &reactor;
        stream_.arrive(reactor.loop());
    }
    void end(std::string_view) override { stream_.cancel(); }
    void end_at_once(std::string_view) override { stream_.cancel(); }
    void end_if_overdue(Clock::time_point) override {}
    const ipc::PeerAddress& peer() const override { return peer_; }

private:
    Stream stream_;
    Reactor* reactor_;
    ClientProcessor processor_;
    ipc::PeerAddress peer_{};
};

struct ReactorsTest {
    static constexpr ConnectionId id = 1;

    std::vector<int> processors = usable_processors();
    Admission admission{
        {.connections = 9, .connections_per_address = 9, .unauthenticated = 9, .sessions_per_user = 9}};
    LogBounds bounds;
    Reactors reactors{processors.size(), admission, bounds};
    std::pair<UniqueFd, UniqueFd> ends = test::loopback_connection();

    ReactorsTest()
    {
        Reactor& first = reactors.least_busy();
        admission.arrive(id, {});
        first.serve(std::make_unique<Echo>(first, std::move(ends.first)), id);
    }

    // Sends a byte and waits for it.
    void ask() const
    {
        char byte = 'x';
        REQUIRE(::write(ends.second.get(), &byte, 1) == 1);
        REQUIRE(::read(ends.second.get(), &byte, 1) == 1);
    }

    // Those that serve the connection at one moment of on_each(), by their numbers.
    std::vector<std::size_t> served_at()
    {
        std::mutex mutex;
        std::vector<std::size_t> found;
        std::promise<void> all;
        std::size_t left = processors.size();
        reactors.on_each([&](const Reactor& reactor) {
            const std::scoped_lock lock{mutex};
            if (reactor.served().count(id) > 0) found.push_back(reactor.index());
            if (--left == 0) all.set_value();
        });
        all.get_future().wait();
        const std::scoped_lock lock{mutex}; // the last of them has let it go
        return found;
    }
};

} // namespace

TEST_CASE_METHOD(ReactorsTest, "a connection moves to the processor on which its packets arrive")
{
    if (processors.size() < 2) return; // nowhere to move to
    for (std::size_t i = 0; i < 2; ++i) {
        std::thread client{[&, i] {
            stay_on_processors({processors[i]});
            for (int asked = 0; asked < 200; ++asked)
                ask();
        }};
        client.join();
        CHECK(served_at() == std::vector<std::size_t>{i});
    }
}

TEST_CASE_METHOD(ReactorsTest, "each order to all reactors finds a connection once, also while it moves")
{
    if (processors.size() < 2) return; // nowhere to move to
    std::atomic<bool> over = false;
    std::thread client{[&] {
        for (std::size_t i = 0; !over; i = 1 - i) {
            stay_on_processors({processors[i]});
            for (int asked = 0; asked < 100; ++asked)
                ask();
        }
    }};
    std::size_t wrong = 0;
    std::vector<bool> seen_at(processors.size());
    const auto deadline = std::chrono::steady_clock::now() + test::patience(); // on a busy machine fewer do
    for (int orders = 0; orders < 20000 && std::chrono::steady_clock::now() < deadline; ++orders) {
        const auto found = served_at();
        wrong += found.size() == 1 ? 0 : 1;
        if (found.size() == 1) seen_at[found.front()] = true;
    }
    over = true;
    client.join();
    CHECK(wrong == 0);
    CHECK((seen_at[0] && seen_at[1]));
}
