// A value that a coroutine waits for on its loop, and that another thread sets.
#pragma once

#include "server/event_loop/event_loop.hpp"
#include "server/event_loop/waiter.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace ftpc::server {

template <class Value>
class LoopPromise {
    struct State {
        explicit State(EventLoop& its_loop) : loop{its_loop} {}
        EventLoop& loop;
        Waiter waiter;
        std::optional<Value> value;
        bool awaited = true;
    };

public:
    explicit LoopPromise(EventLoop& loop) : state_{std::make_shared<State>(loop)} {}

    // For the other thread; may be copied until one of the copies is used.
    class Keeper {
    public:
        // Ends the wait with `value`. `late` gets it, on the loop, if nobody waits any more. Call it once,
        // from any thread: the state is the loop's from then on.
        template <class Late>
        void keep(Value value, Late late)
        {
            EventLoop& loop = state_->loop;
            loop.post(
                [state = std::move(state_), value = std::move(value), late = std::move(late)]() mutable {
                    if (!state->awaited) return late(std::move(value));
                    state->value.emplace(std::move(value));
                    state->waiter.go_on();
                });
        }

    private:
        friend LoopPromise;
        explicit Keeper(std::shared_ptr<State> state) : state_{std::move(state)} {}
        std::shared_ptr<State> state_;
    };
    Keeper keeper() const { return Keeper{state_}; }

    // Waits on the loop; no value if it was cancelled first.
    boost::asio::awaitable<std::optional<Value>> wait()
    {
        if (!state_->value) co_await state_->waiter.wait();
        state_->awaited = false;
        co_return std::move(state_->value);
    }

    // On the loop: wait() ends without a value. A later value goes to `late`.
    void cancel()
    {
        if (!state_->value) state_->awaited = false;
        state_->waiter.cancel(state_->loop);
    }

private:
    std::shared_ptr<State> state_;
};

} // namespace ftpc::server
