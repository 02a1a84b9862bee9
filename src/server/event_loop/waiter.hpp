// A place where one coroutine waits until it is told to go on.
#pragma once

#include "shared/base/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <tuple>

namespace ftpc::server {

class EventLoop;

class Waiter {
public:
    using Result = std::tuple<error_code>; // as asio::as_tuple has it

    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Waits for go_on() and has its result, or operation_aborted after cancel(). One coroutine at a time.
    boost::asio::awaitable<Result> wait();

    // Resumes the coroutine here and now; does nothing if none waits. This may be gone afterwards.
    void go_on(error_code result = {});

    // Ends the wait with its next turn on `loop`, not at once: the caller may be going through all
    // connections.
    void cancel(EventLoop& loop);

    // Takes the waiting coroutine apart, by way of its loop.
    void abandon() { waiting_.reset(); }

private:
    struct Waiting {
        Waiting() = default;
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        virtual ~Waiting() = default;
        virtual void resume(error_code result) = 0;
    };
    template <class Handler>
    struct WaitingHandler;

    std::unique_ptr<Waiting> waiting_;
};

} // namespace ftpc::server
