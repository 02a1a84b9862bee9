#include "server/clock/clock.hpp"

#include "shared/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace ftpc::server {

namespace {

constexpr std::string_view zone_directory = "/usr/share/zoneinfo/";
constexpr const char* own_zone_file = "/etc/localtime";
constexpr std::chrono::microseconds unknown_error = std::chrono::seconds{16}; // the kernel's own upper bound

bool is_part_of_zone_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
}

// Names of the IANA database. Without a '.' and with no '/' in front none leads out of the directory.
bool is_zone_name(std::string_view zone)
{
    return !zone.empty() && zone.front() != '/' &&
           std::all_of(zone.begin(), zone.end(), is_part_of_zone_name);
}

std::string zone_file(std::string_view zone)
{
    return std::string{zone_directory} + std::string{zone};
}

// RFC 9636 §3.1. The directory holds other files, too.
bool holds_a_zone(const std::string& path)
{
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    std::array<char, 4> magic{};
    return file && ::read(file.get(), magic.data(), magic.size()) == static_cast<ssize_t>(magic.size()) &&
           std::string_view{magic.data(), magic.size()} == "TZif";
}

int leap_of(int state)
{
    if (state == TIME_INS) return 1;
    return state == TIME_DEL ? 2 : 0;
}

} // namespace

KernelClock read_kernel_clock()
{
    timex clock{};
    const int state = ::adjtimex(&clock);
    if (state < 0) return {false, unknown_error, 0};
    return {state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0,
            std::chrono::microseconds{clock.maxerror}, leap_of(state)};
}

bool is_time_zone(const std::string& zone)
{
    return zone.empty() || (is_zone_name(zone) && holds_a_zone(zone_file(zone)));
}

// With a path in TZ the C library never reads the file again. Without TZ it would look at /etc/localtime each
// time, which a locked-down process may not.
bool use_time_zone(const std::string& zone)
{
    if (!is_time_zone(zone)) return false;
    if (!zone.empty())
        ::setenv("TZ", zone_file(zone).c_str(), 1);
    else if (std::getenv("TZ") == nullptr)
        ::setenv("TZ", own_zone_file, 1);
    ::tzset();
    return true;
}

long zone_offset(std::time_t at)
{
    std::tm parts{};
    return ::localtime_r(&at, &parts) != nullptr ? parts.tm_gmtoff : 0;
}

} // namespace ftpc::server
