#include "server/log.hpp"

#include "shared/text.hpp"

#include <unistd.h>

#include <algorithm>

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

} // namespace

std::string log_line(std::string_view process, std::string_view event, std::initializer_list<LogField> fields)
{
    std::string line{process};
    line.append(": event=");
    append_value(line, event);
    for (const LogField& field : fields) {
        line.append(" ").append(field.name).append("=");
        append_value(line, field.value);
    }
    return line += '\n';
}

void set_log_name(std::string_view process)
{
    process_name() = process;
}

void log_event(std::string_view event, std::initializer_list<LogField> fields)
{
    const std::string line = log_line(process_name(), event, fields);
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace ftpc::server
