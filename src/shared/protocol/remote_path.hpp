// A path as the user of a session sees it: absolute, `/` is the home, `.` and `..` already resolved by words.
#pragma once

#include "shared/base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace ftpc {

inline constexpr std::size_t max_path_bytes = 4096;
inline constexpr std::size_t max_name_bytes = 255;
inline constexpr std::size_t max_new_depth = 64; // of directories that are made, not of those walked through

class RemotePath {
public:
    // The home itself, `/`.
    RemotePath() = default;

    // The path that `argument` names when `*this` is the working directory (RFC 959 §4.1.1 pathname). A `..`
    // at the top stays there, so no path leads above the home. Repeated and trailing slashes mean nothing; a
    // backslash is an ordinary character. Fails with Errc::bad_argument (empty), not_utf8, control_character
    // or name_too_long.
    Result<RemotePath> resolve(std::string_view argument) const;

    // How many components: 0 for the home.
    std::size_t depth() const;

    bool is_home() const { return text_.empty(); }

    // The last component; empty for the home.
    std::string_view name() const;

    // The path one level up; the home's parent is the home.
    RemotePath parent() const;

    // The same relative to the home, of which "" is both the path and the parent.
    std::string_view relative_parent() const
    {
        const std::string_view path = relative();
        const auto slash = path.rfind('/');
        return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
    }

    // "/a/b"; "/" for the home.
    std::string_view text() const { return is_home() ? std::string_view{"/"} : text_; }

    // The same path without its leading slash, relative to the home: "a/b"; "" for the home.
    std::string_view relative() const
    {
        return is_home() ? std::string_view{} : std::string_view{text_}.substr(1);
    }

    friend bool operator==(const RemotePath&, const RemotePath&) = default;

private:
    std::string text_; // "" or "/a/b"
};

// Appends `text` in double quotes, with each `"` in it doubled (RFC 959 Appendix II).
void append_quoted(std::string& out, std::string_view text);

} // namespace ftpc
