#include "client/commands/output.hpp"

#include "client/terminal/safe_text.hpp"
#include "shared/base/text.hpp"
#include "shared/base/utc_time.hpp"

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

const char* type_text(EntryKind kind)
{
    if (kind == EntryKind::directory) return "directory";
    return kind == EntryKind::file ? "file" : "other";
}

// "0755"
std::string octal(unsigned mode)
{
    std::string text;
    for (const unsigned shift : {9U, 6U, 3U, 0U})
        text += static_cast<char>('0' + (mode >> shift & 7U));
    return text;
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
    if (!json_) return put_about(outcome.path, outcome.reason);
    boost::json::object object{{"path", json_text(outcome.path)}, {"made", false}, {"error", outcome.reason}};
    if (outcome.state == PathOutcome::State::unknown) object["made"] = nullptr;
    if (outcome.code != 0) object["code"] = outcome.code;
    put_json(object);
}

void Output::put_about(const std::string& path, const std::string& words)
{
    put_line(std::cerr, "ftpc: " + (path.empty() ? "''" : safe_text(path)) + ": " + words);
}

void Output::entry(const std::string& path, const Listed& entry) const
{
    boost::json::object object{
        {"path", json_text(path)}, {"name", json_text(entry.name)}, {"type", type_text(entry.facts.kind)}};
    if (entry.facts.size) object["size"] = *entry.facts.size;
    if (entry.facts.modified) object["modified"] = utc_text(*entry.facts.modified);
    if (entry.facts.mode) object["mode"] = octal(*entry.facts.mode);
    put_json(object);
}

void Output::not_listed(const std::string& path, const std::string& reason, int code) const
{
    if (!json_) return put_about(path, reason);
    boost::json::object object{{"path", json_text(path)}, {"error", reason}};
    if (code != 0) object["code"] = code;
    put_json(object);
}

void Output::note(const std::string& path, const std::string& words) const
{
    if (!json_) return put_about(path, words);
    put_json({{"path", json_text(path)}, {"note", words}});
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
