// One line an event, in logfmt or JSON, to standard error. Where that is the journal, which adds the time
// itself (JOURNAL_STREAM, systemd.exec(5)), the line has none; else it begins with one, in UTC.
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
    bool is_number = false;

    LogField(std::string_view n, std::string_view v) : name{n}, value{v} {}
    LogField(std::string_view n, std::uint64_t v) : name{n}, value{std::to_string(v)}, is_number{true} {}
};

enum class LogFormat { logfmt, json };

// Writes `process event name=value …` as one line with one write(2), so that lines of several processes do
// not mix. Values are quoted where needed, with control characters, quotes and bytes that are not UTF-8
// escaped (printable() in shared/text.hpp, in JSON as well): nobody can forge a line. Never waits: what a
// full pipe does not take is counted, and said as event=log-lines-lost when it is read again.
void log_event(std::string_view event, std::initializer_list<LogField> fields = {});

// For many events at once: appends the line that log_event would write for one to `lines` ...
void append_log_event(std::string& lines, std::string_view event, std::initializer_list<LogField> fields);
// ... and this writes whole lines with one write(2), as long as they are no more than max_log_write_bytes().
// `count` of them are lost where the log takes none.
std::size_t max_log_write_bytes(); // PIPE_BUF (pipe(7)), or more where the log is a file
void write_log(std::string_view lines, std::uint64_t count);

// What begins each line: "ftpcd", "ftpcd[net]". Set once, before the first thread.
void set_log_name(std::string_view process);

// For the lines that come from now on, from any thread.
void set_log_format(LogFormat format);

// The line that log_event writes, with its line end: `process: [time=TIME ]event=EVENT name=value ...`, or
// {"time":TIME,"process":...,"event":...,"name":"value",...}. Without a time where that is empty.
std::string log_line(LogFormat format, std::string_view time, std::string_view process,
                     std::string_view event, std::initializer_list<LogField> fields);

} // namespace ftpc::server
