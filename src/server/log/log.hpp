// One line an event, in logfmt or JSON, to standard error. Each begins with the time in UTC. The journal adds
// the time itself (JOURNAL_STREAM, systemd.exec(5)), so its lines have none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ftpc::server {

// Refers to the text that it is made of, and is not to outlive it.
class LogField {
public:
    LogField(std::string_view name, std::string_view text) : name_{name}, text_{text} {}
    LogField(std::string_view name, std::uint64_t number);

    std::string_view name() const { return name_; }
    bool is_number() const { return digit_count_ != 0; }
    std::string_view value() const
    {
        return is_number() ? std::string_view{digits_.data(), digit_count_} : text_;
    }

private:
    std::string_view name_;
    std::string_view text_;
    std::array<char, 20> digits_;
    std::size_t digit_count_ = 0;
};

enum class LogFormat { logfmt, json };

// Writes `process event=name value=…` as one line with one write(2), so that lines of several processes do
// not mix. Values are quoted if needed. Control characters, quotes and bytes that are not UTF-8 are escaped
// (printable() in shared/base/text.hpp, in JSON as well): nobody can forge a line. Never waits: lines that a
// full pipe does not take are counted, and reported as event=log-lines-lost when it is read again.
void log_event(std::string_view event, std::initializer_list<LogField> fields = {});

// For many events at once: appends the line that log_event would write for one at `time` to `lines` ...
void append_log_event(std::string& lines, std::string_view time, std::string_view event,
                      std::initializer_list<LogField> fields);
std::string_view log_time_now(); // until this thread calls it again; empty if lines have none

// ... or the lines of events that differ in the value of their last field alone ...
class RepeatedLogEvent {
public:
    void set(std::string_view time, std::string_view event, std::initializer_list<LogField> fields,
             std::string_view last_name);
    void append_line(std::string& lines, std::string_view last_value) const;

private:
    LogFormat format_ = LogFormat::logfmt;
    std::string begin_; // of the line, up to the value of the last field
};

// ... and this writes whole lines with one write(2), up to max_log_write_bytes(). `count` of them are lost if
// the log takes none.
std::size_t max_log_write_bytes(); // PIPE_BUF (pipe(7)), or more if the log is a file
void write_log(std::string_view lines, std::uint64_t count);

// The beginning of each line: "ftpcd", "ftpcd[net]". Set once, before the first thread.
void set_log_name(std::string_view process);

// For the lines that come from now on, from any thread.
void set_log_format(LogFormat format);

// The line that log_event writes, with its line end: `process: [time=TIME ]event=EVENT name=value ...`, or
// {"time":TIME,"process":...,"event":...,"name":"value",...}. An empty time is left out.
std::string log_line(LogFormat format, std::string_view time, std::string_view process,
                     std::string_view event, std::initializer_list<LogField> fields);

} // namespace ftpc::server
