// Result<T>: a value, or the error_code that says why there is none. Expected failures travel in it; all
// other failures are thrown.
#pragma once

#include <boost/system/result.hpp>

#include <cerrno>

namespace ftpc {

template <class T>
using Result = boost::system::result<T>;
using boost::system::error_code;

// The current errno as an error_code of the system category.
inline error_code last_system_error()
{
    return {errno, boost::system::system_category()};
}

} // namespace ftpc
