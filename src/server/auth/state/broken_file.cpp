#include "server/auth/state/broken_file.hpp"

#include "shared/base/error.hpp"
#include "shared/base/utc_time.hpp"
#include "shared/files/file.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <ctime>

namespace ftpc::server {

namespace {

constexpr const char* time_format = "%Y%m%dT%H%M%SZ"; // 20261129T101500Z

} // namespace

bool is_broken(const error_code& error)
{
    using namespace boost::system::errc;
    return error == Errc::unsafe_permissions || error == Errc::bad_argument || error == file_too_large ||
           error == invalid_argument || error == too_many_symbolic_link_levels;
}

Result<std::string> set_aside(int data, const char* name, std::uint64_t now, const std::string& anew)
{
    std::string aside = std::string{name} + ".broken-" + utc_text(static_cast<std::time_t>(now), time_format);
    if (::renameat(data, name, data, aside.c_str()) != 0) return last_system_error();
    if (const auto written = replace_file(data, name, anew, S_IRUSR | S_IWUSR); !written)
        return written.error();
    return aside;
}

} // namespace ftpc::server
