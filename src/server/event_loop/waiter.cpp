#include "server/event_loop/waiter.hpp"

#include "server/event_loop/event_loop.hpp"
#include "server/event_loop/use_awaitable.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

template <class Handler>
struct Waiter::WaitingHandler final : Waiting {
    explicit WaitingHandler(Handler waiting) : handler{std::move(waiting)} {}
    void resume(error_code result) override { handler(result); }
    Handler handler;
};

asio::awaitable<Waiter::Result> Waiter::wait()
{
    return asio::async_initiate<const decltype(use_awaitable), void(error_code)>(
        [this](auto handler) {
            waiting_ = std::make_unique<WaitingHandler<decltype(handler)>>(std::move(handler));
        },
        use_awaitable);
}

void Waiter::go_on(error_code result)
{
    const auto waiting = std::exchange(waiting_, nullptr);
    if (waiting) waiting->resume(result);
}

void Waiter::cancel(EventLoop& loop)
{
    if (!waiting_) return;
    asio::post(loop.io(),
               [waiting = std::move(waiting_)] { waiting->resume(asio::error::operation_aborted); });
}

} // namespace ftpc::server
