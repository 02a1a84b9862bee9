#include "server/running/process_state.hpp"

#include "shared/base/numbers.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/files/file.hpp"

#include <fcntl.h>

#include <csignal>
#include <cstdint>
#include <string>

namespace ftpc::server {

namespace {

constexpr std::size_t most_bytes = 4096;
// Fields are counted from 1; the second is the name, in parentheses, with anything in it.
constexpr int state_field = 3;
constexpr int pending_signals_field = 31; // of the first thread

std::string_view field_after_name(std::string_view stat, int number)
{
    const auto name_end = stat.rfind(')');
    if (name_end == std::string_view::npos) return {};
    stat.remove_prefix(name_end + 1);
    for (int field = 2; !stat.empty(); ++field) {
        const auto space = stat.find(' ');
        if (field == number) return stat.substr(0, space);
        stat.remove_prefix(space == std::string_view::npos ? stat.size() : space + 1);
    }
    return {};
}

} // namespace

ProcessState parse_process_state(std::string_view stat)
{
    const std::string_view state = field_after_name(stat, state_field);
    const auto pending =
        parse_number<std::uint64_t>(field_after_name(stat, pending_signals_field)).value_or(0);
    const bool killed = (pending & (std::uint64_t{1} << (SIGKILL - 1))) != 0;
    return {.ending = state == "Z" || state == "X" || killed, .traced = state == "t"};
}

ProcessState read_process_state(pid_t pid)
{
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return {};
    const auto text = read_all(file.get(), most_bytes);
    return text ? parse_process_state(*text) : ProcessState{};
}

} // namespace ftpc::server
