// The completion token of the coroutines here: a failure is a value, not an exception.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ftpc::server {

inline constexpr auto use_awaitable = boost::asio::as_tuple(boost::asio::use_awaitable);

} // namespace ftpc::server
