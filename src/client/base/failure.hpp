// How a run of ftpc ends: its exit status, and failures as values that carry one.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <utility>

namespace ftpc::client {

// Documented in --help and README.md; scripts rely on the numbers.
enum class ExitStatus {
    done = 0,
    failed = 1,      // a directory or the home, or something on this machine is in the way
    usage = 2,       // options or arguments make no sense
    refused = 3,     // not logged in, or the server refused the login
    unreachable = 4, // the server cannot be reached, went away, or speaks something else
    untrusted = 5,   // the server is not the one that it should be
};

// Why the work was not done, and the exit status. One sentence without a full stop, safe to print. Further
// lines, parted by '\n', give advice.
struct Failure {
    Failure() = default; // Outcome wants one
    // A constructor of both, so that an Outcome<ExitStatus> made of a status is a value and never half a
    // Failure.
    Failure(ExitStatus ends_with, std::string text) : status{ends_with}, message{std::move(text)} {}

    ExitStatus status = ExitStatus::failed;
    std::string message;
};

template <class T>
using Outcome = boost::system::result<T, Failure>;

} // namespace ftpc::client
