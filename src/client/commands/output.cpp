#include "client/commands/output.hpp"

#include "client/terminal/safe_text.hpp"
#include "shared/base/text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>
#include <string>

namespace ftpc::client {

namespace {

void put_line(std::ostream& stream, std::string_view text)
{
    stream << text << '\n';
}

// For JSON, which has escapes of its own for characters that are not seen: a program gets the very path.
std::string json_text(const std::string& path)
{
    const bool exact = is_utf8(path) && !has_control_character(path);
    return exact ? path : printable(path);
}

void put_json(const boost::json::object& object)
{
    put_line(std::cout, printable_json(boost::json::serialize(object)));
}

} // namespace

void Output::result(std::string_view text, const boost::json::object& object) const
{
    if (json_)
        put_json(object);
    else
        put_line(std::cout, text);
}

void Output::path(const PathOutcome& outcome) const
{
    switch (outcome.state) {
    case PathOutcome::State::made:
        return made(outcome);
    case PathOutcome::State::existed:
        if (json_) made(outcome);
        return;
    case PathOutcome::State::failed:
        return not_made(outcome);
    case PathOutcome::State::unknown:
        // In words the end of the connection is said once, with their number.
        if (json_) not_made(outcome);
        return;
    }
}

void Output::made(const PathOutcome& outcome) const
{
    if (json_)
        put_json({{"path", json_text(outcome.path)}, {"made", outcome.state == PathOutcome::State::made}});
    else
        put_line(std::cout, safe_text(outcome.path));
}

void Output::not_made(const PathOutcome& outcome) const
{
    const std::string path = safe_text(outcome.path);
    if (!json_) return put_line(std::cerr, "ftpc: " + (path.empty() ? "''" : path) + ": " + outcome.reason);
    boost::json::object object{{"path", json_text(outcome.path)}, {"made", false}, {"error", outcome.reason}};
    if (outcome.state == PathOutcome::State::unknown) object["made"] = nullptr;
    if (outcome.code != 0) object["code"] = outcome.code;
    put_json(object);
}

void Output::failure(const Failure& failure) const
{
    if (json_)
        put_json({{"error", failure.message}, {"exit_status", static_cast<int>(failure.status)}});
    else
        put_line(std::cerr, "ftpc: " + failure.message);
}

ExitStatus Output::status_of(const Outcome<ExitStatus>& ended) const
{
    if (ended) return *ended;
    flush();
    failure(ended.error());
    return ended.error().status;
}

void Output::flush() const
{
    std::cout.flush();
}

} // namespace ftpc::client
