#include "benchmark/entry_counter.hpp"

namespace ftpc::benchmark {

namespace {

// type=cdir and type=pdir are the directory itself and the one above.
bool facts_of_entry(std::string_view line)
{
    return line.substr(0, line.find(' ')).find("type=dir;") != std::string_view::npos;
}

bool row_of_entry(std::string_view line)
{
    return line.starts_with('d') && !line.ends_with(" .") && !line.ends_with(" ..");
}

} // namespace

void EntryCounter::take(std::string_view bytes)
{
    while (true) {
        const auto end = bytes.find('\n');
        if (end == std::string_view::npos) break;
        if (begun_.empty()) {
            take_line(bytes.substr(0, end));
        } else {
            take_line(begun_.append(bytes.substr(0, end)));
            begun_.clear();
        }
        bytes.remove_prefix(end + 1);
    }
    begun_ += bytes;
}

void EntryCounter::take_line(std::string_view line)
{
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (facts_ ? facts_of_entry(line) : row_of_entry(line)) ++entries_;
}

} // namespace ftpc::benchmark
