#include "server/log.hpp"

#include "shared/text.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

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

// Whether a value goes into the line as it is. Most do, and a busy server writes very many.
bool is_plain(std::string_view value)
{
    const auto plain = [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\'; };
    return !value.empty() && std::all_of(value.begin(), value.end(), plain);
}

void append_value(std::string& line, std::string_view value)
{
    if (is_plain(value)) {
        line += value;
        return;
    }
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

void append_line(std::string& lines, std::string_view process, std::string_view event,
                 std::initializer_list<LogField> fields)
{
    lines += process;
    lines += ": event=";
    append_value(lines, event);
    for (const LogField& field : fields) {
        lines += ' ';
        lines += field.name;
        lines += '=';
        append_value(lines, field.value);
    }
    lines += '\n';
}

// Whether a line can be written without waiting. A pipe says so when PIPE_BUF bytes (4 KiB) have room in it;
// a service must not stand still because nobody reads its log.
bool log_takes_a_line()
{
    pollfd waiting{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLOUT) != 0;
}

} // namespace

std::string log_line(std::string_view process, std::string_view event, std::initializer_list<LogField> fields)
{
    std::string line;
    append_line(line, process, event, fields);
    return line;
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

void append_log_event(std::string& lines, std::string_view event, std::initializer_list<LogField> fields)
{
    append_line(lines, process_name(), event, fields);
}

void log_event(std::string_view event, std::initializer_list<LogField> fields)
{
    write_log(log_line(process_name(), event, fields), 1);
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
        with_losses = log_line(process_name(), "log-lines-lost", {{"count", before}});
        lines = with_losses += lines;
    }
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, lines.data(), lines.size());
}

} // namespace ftpc::server
