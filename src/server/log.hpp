// One line an event, in logfmt, to standard error (the journal adds the time where there is one).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ftpc::server {

struct LogField {
    std::string_view name;
    std::string value;

    LogField(std::string_view n, std::string_view v) : name{n}, value{v} {}
    LogField(std::string_view n, std::uint64_t v) : name{n}, value{std::to_string(v)} {}
};

// Writes `process event name=value …` as one line with one write(2), so that lines of several processes do
// not mix. Values are quoted where needed, with control characters and quotes escaped: nobody can forge a
// line. Never waits: what a full pipe does not take is counted, and said as event=log-lines-lost when it is
// read again.
void log_event(std::string_view event, std::initializer_list<LogField> fields = {});

// For many events at once: appends the line that log_event would write for one to `lines` ...
void append_log_event(std::string& lines, std::string_view event, std::initializer_list<LogField> fields);
// ... and this writes whole lines with one write(2), as long as they are no more than max_log_write_bytes().
// `count` of them are lost where the log takes none.
std::size_t max_log_write_bytes(); // PIPE_BUF (pipe(7)), or more where the log is a file
void write_log(std::string_view lines, std::uint64_t count);

// What begins each line: "ftpcd", "ftpcd[net]". Set once, before the first thread.
void set_log_name(std::string_view process);

// The line that log_event writes, with its line end.
std::string log_line(std::string_view process, std::string_view event,
                     std::initializer_list<LogField> fields);

} // namespace ftpc::server
