#include "server/users/user_line.hpp"

#include "server/users/password_hash.hpp"
#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/protocol/remote_path.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace ftpc::server {

namespace {

constexpr std::string_view white = " \t";
constexpr std::string_view generation_label = "generation=";
constexpr std::string_view max_dirs_label = "max-dirs=";

bool is_home_component(std::string_view component)
{
    return !component.empty() && component != "." && component != ".." && component.size() <= max_name_bytes;
}

// For a line without one: a user who is deleted and written anew, with another hash, has another generation.
std::uint64_t generation_from(std::string_view password_hash)
{
    const Sha256 digest =
        sha256({reinterpret_cast<const std::uint8_t*>(password_hash.data()), password_hash.size()});
    std::uint64_t generation = 0;
    for (const std::uint8_t byte : std::span{digest}.first<sizeof generation>())
        generation = generation << 8 | byte;
    return generation;
}

// The options behind the home, each at most once. Returns the problem, or nothing.
std::string read_options(std::string_view rest, User& user)
{
    bool has_generation = false;
    for (Words words = take_word(rest); !words.first.empty(); words = take_word(words.rest)) {
        const std::string_view option = words.first;
        if (option == "locked" && !user.locked) {
            user.locked = true;
        } else if (option.starts_with(generation_label) && !has_generation) {
            const auto generation = hex_decode_number(option.substr(generation_label.size()));
            if (!generation) return "generation= must be followed by 16 digits of lower-case hexadecimal";
            user.generation = *generation;
            has_generation = true;
        } else if (option.starts_with(max_dirs_label) && !user.max_dirs) {
            user.max_dirs = parse_number<std::uint64_t>(option.substr(max_dirs_label.size()));
            if (!user.max_dirs) return "max-dirs= must be followed by a number";
        } else {
            return "unknown or repeated option '" + printable(option) +
                   "' (there are generation=, locked and max-dirs=)";
        }
    }
    if (!has_generation) user.generation = generation_from(user.password_hash);
    return {};
}

} // namespace

bool says_nothing(std::string_view line)
{
    const auto first = line.find_first_not_of(white);
    return first == std::string_view::npos || line[first] == '#';
}

Words take_word(std::string_view line)
{
    // By hand: find_first_of() would search `white` anew for each character, which shows with a million
    // users.
    const auto is_white = [](char c) { return c == ' ' || c == '\t'; };
    const auto begin = std::find_if_not(line.begin(), line.end(), is_white);
    const auto end = std::find_if(begin, line.end(), is_white);
    return {{begin, end}, {end, line.end()}};
}

bool is_home(std::string_view home)
{
    if (home.size() > max_home_bytes || home.find_first_of(white) != std::string_view::npos) return false;
    if (!is_utf8(home) || has_control_character(home)) return false;
    while (true) {
        const auto slash = home.find('/');
        if (!is_home_component(home.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        home.remove_prefix(slash + 1);
    }
}

std::variant<User, BadLine> parse_user_line(std::string_view line)
{
    const Words keyword = take_word(line);
    const Words name = take_word(keyword.rest);
    const Words hash = take_word(name.rest);
    const Words home = take_word(hash.rest);
    if (home.first.empty()) return BadLine{"not of the form: user NAME HASH HOME [OPTIONS]"};
    if (!is_user_name(name.first))
        return BadLine{"'" + printable(name.first) + "' is " +
                       make_error_code(Errc::bad_user_name).message()};
    if (!parse_password_hash(hash.first)) return BadLine{make_error_code(Errc::bad_hash).message()};
    if (!is_home(home.first))
        return BadLine{
            "the home must be a relative path without empty, '.' or '..' parts, at most 512 bytes"};
    User user{.name = std::string{name.first},
              .password_hash = std::string{hash.first},
              .home = std::string{home.first},
              .max_dirs = {}};
    if (std::string reason = read_options(home.rest, user); !reason.empty())
        return BadLine{std::move(reason)};
    return user;
}

std::string user_line(const User& user)
{
    std::string line = "user " + user.name + " " + user.password_hash + " " + user.home + " ";
    line.append(generation_label).append(hex_encode(user.generation));
    if (user.locked) line += " locked";
    if (user.max_dirs) line.append(" ").append(max_dirs_label).append(std::to_string(*user.max_dirs));
    return line;
}

} // namespace ftpc::server
