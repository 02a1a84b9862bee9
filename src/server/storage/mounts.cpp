#include "server/storage/mounts.hpp"

#include "shared/base/numbers.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

namespace ftpc::server {

namespace {

bool is_octal(std::string_view digits)
{
    return digits.size() == 3 &&
           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
}

// The kernel writes a space, a tab, a newline and a backslash as \040, \011, \012 and \134.
std::string unescaped(std::string_view text)
{
    std::string plain;
    while (!text.empty()) {
        const std::string_view digits = text.substr(1, 3);
        const bool escape = text.front() == '\\' && is_octal(digits);
        plain += escape ? static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0')
                        : text.front();
        text.remove_prefix(escape ? 4 : 1);
    }
    return plain;
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
std::optional<Mount> parse_mount(const std::string& line)
{
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) return std::nullopt;
    std::istringstream before{line.substr(0, dash)};
    std::istringstream behind{line.substr(dash + 3)};
    std::string id;
    std::string skipped;
    std::string point;
    std::string options;
    std::string type;
    std::string source;
    std::string more_options;
    if (!(before >> id >> skipped >> skipped >> skipped >> point >> options) || !(behind >> type))
        return std::nullopt;
    behind >> source >> more_options;
    const auto number = parse_number<std::uint64_t>(id);
    if (!number) return std::nullopt;
    return Mount{*number, unescaped(point), unescaped(type), unescaped(source),
                 unescaped(options + "," + more_options)};
}

bool is_in(std::string_view path, std::string_view directory)
{
    if (directory == "/") return true;
    return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string text_of(const std::string& path)
{
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::optional<std::string_view> find_option(const Mount& mount, std::string_view name)
{
    std::string_view rest = mount.options;
    while (!rest.empty()) {
        const std::string_view option = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), option.size() + 1));
        if (option == name) return "";
        if (option.starts_with(name) && option[name.size()] == '=') return option.substr(name.size() + 1);
    }
    return std::nullopt;
}

} // namespace

MountTable parse_mounts(std::string_view mountinfo)
{
    MountTable mounts;
    std::istringstream lines{std::string{mountinfo}};
    for (std::string line; std::getline(lines, line);)
        if (auto mount = parse_mount(line)) mounts.push_back(std::move(*mount));
    return mounts;
}

MountTable mounts_now()
{
    return parse_mounts(text_of("/proc/self/mountinfo"));
}

const Mount* mount_of(int fd, const MountTable& mounts)
{
    std::istringstream words{text_of("/proc/self/fdinfo/" + std::to_string(fd))};
    std::uint64_t id = 0;
    for (std::string word; words >> word;)
        if (word == "mnt_id:") words >> id;
    const auto found = std::find_if(mounts.begin(), mounts.end(), [&](const Mount& m) { return m.id == id; });
    return found == mounts.end() ? nullptr : &*found;
}

const Mount* mount_at(std::string_view path, const MountTable& mounts)
{
    const Mount* found = nullptr;
    for (const Mount& mount : mounts)
        if (is_in(path, mount.point) && (found == nullptr || mount.point.size() >= found->point.size()))
            found = &mount;
    return found;
}

MountTable mounts_below(std::string_view path, const MountTable& mounts)
{
    MountTable below;
    for (const Mount& mount : mounts)
        if (mount.point != path && is_in(mount.point, path) && mount_at(mount.point, mounts) == &mount)
            below.push_back(mount);
    return below;
}

std::string option_value(const Mount& mount, std::string_view name)
{
    return std::string{find_option(mount, name).value_or("")};
}

bool has_option(const Mount& mount, std::string_view name)
{
    return find_option(mount, name).has_value();
}

} // namespace ftpc::server
