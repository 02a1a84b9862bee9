// How tests look at an Outcome.
#pragma once

#include "client/base/failure.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>

namespace Catch {

template <class T>
struct StringMaker<boost::system::result<T, ftpc::client::Failure>> {
    static std::string convert(const boost::system::result<T, ftpc::client::Failure>& outcome)
    {
        return outcome ? "a value" : "failure: " + outcome.error().message;
    }
};

} // namespace Catch

namespace ftpc::test {

inline bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace ftpc::test
