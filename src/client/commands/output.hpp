// The output of ftpc: results on standard output and failures on standard error, or both as JSON on standard
// output.
#pragma once

#include "client/base/failure.hpp"
#include "client/commands/listing.hpp"
#include "client/commands/mkdir_conversation.hpp"

#include <boost/json/fwd.hpp>

#include <string>
#include <string_view>

namespace ftpc::client {

class Output {
public:
    explicit Output(bool json) : json_{json} {}

    // A result: the line `text`, or the object.
    void result(std::string_view text, const boost::json::object& object) const;

    // The result of one path.
    void path(const PathOutcome& outcome) const;

    // An entry of a listing, as an object, whether that is wanted or not. `path` is absolute.
    void entry(const std::string& path, const Listed& entry) const;

    // Why a path, as it was given, is not listed. `code` is that of the reply, 0 if the server was not asked.
    void not_listed(const std::string& path, const std::string& reason, int code) const;

    // Something about a path that is no failure.
    void note(const std::string& path, const std::string& words) const;

    // Why something was not done, on one line or several.
    void failure(const Failure& failure) const;

    // The exit status of a command that has ended so. A failure is said first, behind what was said so far.
    ExitStatus status_of(const Outcome<ExitStatus>& ended) const;

    // Passes on what has been said so far.
    void flush() const;

private:
    void made(const PathOutcome& outcome) const;
    void not_made(const PathOutcome& outcome) const;
    static void put_about(const std::string& path, const std::string& words);

    bool json_;
};

} // namespace ftpc::client
