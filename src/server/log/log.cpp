#include "server/log/log.hpp"

#include "shared/base/text.hpp"
#include "shared/base/utc_time.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <ctime>

namespace ftpc::server {

namespace {

std::string& process_name()
{
    static std::string name = "ftpcd";
    return name;
}

// The spaces of Unicode (category Zs) beyond that of ASCII: some readers of a log split fields at them as
// well.
constexpr std::array<std::string_view, 16> wide_spaces{
    "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005",
    "\u2006", "\u2007", "\u2008", "\u2009", "\u200A", "\u202F", "\u205F", "\u3000"};

bool needs_quotes(std::string_view value)
{
    const auto in_value = [&](std::string_view space) { return value.find(space) != std::string_view::npos; };
    return value.empty() || value.find_first_of(" \"=") != std::string_view::npos ||
           std::any_of(wide_spaces.begin(), wide_spaces.end(), in_value);
}

// Whether a value goes into the line as it is. Most do, and a busy server writes very many.
bool is_plain(std::string_view value)
{
    static constexpr auto plain = [] {
        std::array<bool, 256> out{};
        for (std::size_t c = ' ' + 1; c < 0x7F; ++c)
            out[c] = c != '"' && c != '=' && c != '\\';
        return out;
    }();
    return !value.empty() && std::all_of(value.begin(), value.end(),
                                         [](char c) { return plain[static_cast<unsigned char>(c)]; });
}

void append_value(std::string& line, std::string_view value)
{
    if (is_plain(value)) {
        line += value;
        return;
    }
    // protection: escaped-log
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

void append_json_text(std::string& line, std::string_view text)
{
    line += '"';
    for (const char c : printable(text)) { // nothing but quote and backslash is left to escape (RFC 8259 §7)
        if (c == '"' || c == '\\') line += '\\';
        line += c;
    }
    line += '"';
}

void append_json(std::string& line, std::string_view name, std::string_view text)
{
    line.append("\"").append(name).append("\":");
    append_json_text(line, text);
}

void append_field_name(std::string& line, LogFormat format, std::string_view name)
{
    if (format == LogFormat::json)
        line.append(",\"").append(name).append("\":");
    else
        line.append(" ").append(name).append("=");
}

void append_field_value(std::string& line, LogFormat format, const LogField& field)
{
    if (format != LogFormat::json)
        append_value(line, field.value());
    else if (field.is_number())
        line += field.value();
    else
        append_json_text(line, field.value());
}

// A line without its end.
void append_line_begin(std::string& line, LogFormat format, std::string_view time, std::string_view process,
                       std::string_view event, std::initializer_list<LogField> fields)
{
    if (format == LogFormat::json) {
        line += '{';
        if (!time.empty()) {
            append_json(line, "time", time);
            line += ',';
        }
        append_json(line, "process", process);
        line += ',';
        append_json(line, "event", event);
    } else {
        line.append(process).append(":");
        if (!time.empty()) line.append(" time=").append(time);
        line += " event=";
        append_value(line, event);
    }
    for (const LogField& field : fields) {
        append_field_name(line, format, field.name());
        append_field_value(line, format, field);
    }
}

void append_line_end(std::string& line, LogFormat format)
{
    line += format == LogFormat::json ? "}\n" : "\n";
}

void append_log_line(std::string& lines, LogFormat format, std::string_view time, std::string_view process,
                     std::string_view event, std::initializer_list<LogField> fields)
{
    append_line_begin(lines, format, time, process, event, fields);
    append_line_end(lines, format);
}

std::atomic<LogFormat> log_format = LogFormat::logfmt;

// Whether standard error is the very stream that systemd has connected to the journal.
bool journal_reads()
{
    static const bool reads = [] {
        const char* const stream = std::getenv("JOURNAL_STREAM");
        struct stat status {};
        return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
               stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
    }();
    return reads;
}

} // namespace

LogField::LogField(std::string_view name, std::uint64_t number) : name_{name}
{
    const auto written = std::to_chars(digits_.data(), digits_.data() + digits_.size(), number);
    digit_count_ = static_cast<std::size_t>(written.ptr - digits_.data());
}

// "2026-11-29T10:15:00.123Z", or nothing for the journal. A busy server writes many lines in a second, which
// is put into words once.
std::string_view log_time_now()
{
    constexpr std::size_t milliseconds_at = std::string_view{"2026-11-29T10:15:00."}.size();
    struct Words {
        std::time_t second = -1;
        std::array<char, 32> text{};
    };
    thread_local Words words;
    timespec now{};
    if (journal_reads() || ::clock_gettime(CLOCK_REALTIME, &now) != 0) return {};
    if (now.tv_sec != words.second) {
        const std::string text = utc_text(now.tv_sec, "%FT%T.000Z");
        if (text.size() != milliseconds_at + 4) return {};
        std::copy(text.begin(), text.end(), words.text.begin());
        words.second = now.tv_sec;
    }
    const long milliseconds = now.tv_nsec / 1000000;
    words.text[milliseconds_at] = static_cast<char>('0' + milliseconds / 100);
    words.text[milliseconds_at + 1] = static_cast<char>('0' + milliseconds / 10 % 10);
    words.text[milliseconds_at + 2] = static_cast<char>('0' + milliseconds % 10);
    return {words.text.data(), milliseconds_at + 4};
}

std::string log_line(LogFormat format, std::string_view time, std::string_view process,
                     std::string_view event, std::initializer_list<LogField> fields)
{
    std::string line;
    append_log_line(line, format, time, process, event, fields);
    return line;
}

void set_log_format(LogFormat format)
{
    log_format = format;
}

void set_log_name(std::string_view process)
{
    process_name() = process;
}

std::size_t max_log_write_bytes()
{
    static const std::size_t most = [] {
        struct stat status {};
        const bool is_file = ::fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
        return is_file ? std::size_t{65536} : std::size_t{PIPE_BUF};
    }();
    return most;
}

void append_log_event(std::string& lines, std::string_view time, std::string_view event,
                      std::initializer_list<LogField> fields)
{
    append_log_line(lines, log_format, time, process_name(), event, fields);
}

void RepeatedLogEvent::set(std::string_view time, std::string_view event,
                           std::initializer_list<LogField> fields, std::string_view last_name)
{
    format_ = log_format;
    begin_.clear();
    append_line_begin(begin_, format_, time, process_name(), event, fields);
    append_field_name(begin_, format_, last_name);
}

void RepeatedLogEvent::append_line(std::string& lines, std::string_view last_value) const
{
    lines += begin_;
    append_field_value(lines, format_, {{}, last_value});
    append_line_end(lines, format_);
}

void log_event(std::string_view event, std::initializer_list<LogField> fields)
{
    std::string line;
    append_log_event(line, log_time_now(), event, fields);
    write_log(line, 1);
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
        append_log_event(with_losses, log_time_now(), "log-lines-lost", {{"count", before}});
        lines = with_losses += lines;
    }
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, lines.data(), lines.size());
}

} // namespace ftpc::server
