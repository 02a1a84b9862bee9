// Catch2, in any installed version.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <boost/system/result.hpp>

#include <string>

namespace Catch {

// How a Result<T> is shown; Boost's own operator<< needs one of T.
template <class T>
struct StringMaker<boost::system::result<T>> {
    static std::string convert(const boost::system::result<T>& result)
    {
        return result ? "a value" : "error: " + result.error().message();
    }
};

} // namespace Catch
