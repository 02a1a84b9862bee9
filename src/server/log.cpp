#include "server/log.hpp"

#include "shared/text.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace ftpc::server {

namespace {

std::string& process_name()
{
    static std::string name = "ftpcd";
    return name;
}

bool needs_quotes(std::string_view value)
{
    return value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
}

void append_value(std::string& line, std::string_view value)
{
    const std::string safe = printable(value);
    if (!needs_quotes(safe)) {
        line += safe;
        return;
    }
    line += '"';
    for (const char c : safe) {
        if (c == '"') line += '\\';
        line += c;
    }
    line += '"';
}

// Whether a line can be written without waiting. A pipe says so when PIPE_BUF bytes (4 KiB) have room in it;
// a service must not stand still because nobody reads its log.
bool log_takes_a_line()
{
    pollfd waiting{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLOUT) != 0;
}

std::string logfmt_line(std::string_view time, std::string_view process, std::string_view event,
                        std::initializer_list<LogField> fields)
{
    std::string line{process};
    line += ':';
    if (!time.empty()) line.append(" time=").append(time);
    line += " event=";
    append_value(line, event);
    for (const LogField& field : fields) {
        line.append(" ").append(field.name).append("=");
        append_value(line, field.value);
    }
    return line += '\n';
}

void append_json(std::string& line, std::string_view name, std::string_view value, bool is_number = false)
{
    line.append(line.empty() ? "{\"" : ",\"").append(name).append("\":");
    if (is_number) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : printable(value)) { // nothing but quote and backslash is left to escape (RFC 8259 §7)
        if (c == '"' || c == '\\') line += '\\';
        line += c;
    }
    line += '"';
}

std::string json_line(std::string_view time, std::string_view process, std::string_view event,
                      std::initializer_list<LogField> fields)
{
    std::string line;
    if (!time.empty()) append_json(line, "time", time);
    append_json(line, "process", process);
    append_json(line, "event", event);
    for (const LogField& field : fields)
        append_json(line, field.name, field.value, field.is_number);
    return line += "}\n";
}

std::atomic<LogFormat> log_format = LogFormat::logfmt;

// Whether standard error is the very stream that systemd has connected to the journal.
bool journal_reads()
{
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
    return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

// "2026-11-29T10:15:00.123Z", or nothing for the journal.
std::string time_now()
{
    static const bool none = journal_reads();
    timespec now{};
    std::tm utc{};
    std::array<char, 32> text{};
    if (none || ::clock_gettime(CLOCK_REALTIME, &now) != 0 || ::gmtime_r(&now.tv_sec, &utc) == nullptr)
        return {};
    const std::size_t length = std::strftime(text.data(), text.size(), "%FT%T", &utc);
    static_cast<void>(std::snprintf(text.data() + length, text.size() - length, ".%03dZ",
                                    static_cast<int>(now.tv_nsec / 1000000)));
    return text.data();
}

std::string line_now(std::string_view event, std::initializer_list<LogField> fields)
{
    return log_line(log_format, time_now(), process_name(), event, fields);
}

} // namespace

std::string log_line(LogFormat format, std::string_view time, std::string_view process,
                     std::string_view event, std::initializer_list<LogField> fields)
{
    return format == LogFormat::json ? json_line(time, process, event, fields)
                                     : logfmt_line(time, process, event, fields);
}

void set_log_format(LogFormat format)
{
    log_format = format;
}

void set_log_name(std::string_view process)
{
    process_name() = process;
}

void append_log_event(std::string& lines, std::string_view event, std::initializer_list<LogField> fields)
{
    lines += line_now(event, fields);
}

void log_event(std::string_view event, std::initializer_list<LogField> fields)
{
    write_log(line_now(event, fields), 1);
}

void write_log(std::string_view lines, std::uint64_t count)
{
    // Lines that were lost since the last one that was written. Two threads at once may count one too few.
    static std::atomic<std::uint64_t> lost = 0;
    if (!log_takes_a_line()) {
        lost += count;
        return;
    }
    std::string with_losses;
    if (const std::uint64_t before = lost.exchange(0); before > 0) {
        with_losses = line_now("log-lines-lost", {{"count", before}});
        lines = with_losses += lines;
    }
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, lines.data(), lines.size());
}

} // namespace ftpc::server
