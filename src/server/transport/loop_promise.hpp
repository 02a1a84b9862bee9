// A value that a coroutine waits for on its loop and another thread comes back with.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace ftpc::server {

template <class Value>
class LoopPromise {
    using Time = boost::asio::steady_timer::time_point;
    struct State {
        State(boost::asio::io_context& io, Time until) : loop{io}, kept_or_cancelled{io, until} {}
        boost::asio::io_context& loop;
        boost::asio::steady_timer kept_or_cancelled;
        std::optional<Value> value;
        bool awaited = true;
    };

public:
    // `until`: how long wait() takes at most.
    explicit LoopPromise(boost::asio::io_context& io, Time until = Time::max())
        : state_{std::make_shared<State>(io, until)}
    {}

    // For the other thread; may be copied until one of the copies is used.
    class Keeper {
    public:
        // Ends the wait with `value`, which `late` gets, on the loop, where nobody waits any more. To be
        // called once, and from any thread: the state is the loop's from then on, even while the caller goes
        // on to exist, since its timer must not outlive the loop.
        template <class Late>
        void keep(Value value, Late late)
        {
            boost::asio::io_context& loop = state_->loop;
            boost::asio::post(loop, [state = std::move(state_), value = std::move(value),
                                     late = std::move(late)]() mutable {
                if (!state->awaited) return late(std::move(value));
                state->value.emplace(std::move(value));
                state->kept_or_cancelled.cancel();
            });
        }

    private:
        friend LoopPromise;
        explicit Keeper(std::shared_ptr<State> state) : state_{std::move(state)} {}
        std::shared_ptr<State> state_;
    };
    Keeper keeper() const { return Keeper{state_}; }

    // Waits on the loop; no value if it was cancelled first, or took too long.
    boost::asio::awaitable<std::optional<Value>> wait()
    {
        if (!state_->value)
            co_await state_->kept_or_cancelled.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        state_->awaited = false;
        co_return std::move(state_->value);
    }

    // On the loop: wait() ends without a value. What comes later is `late`.
    void cancel() { state_->kept_or_cancelled.cancel(); }

private:
    std::shared_ptr<State> state_;
};

} // namespace ftpc::server
