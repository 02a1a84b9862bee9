#include "shared/protocol/remote_path.hpp"

#include "shared/base/error.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <cstring>

namespace ftpc {

Result<RemotePath> RemotePath::resolve(std::string_view argument) const
{
    if (argument.empty()) return Errc::bad_argument;
    if (!is_printable_ascii(argument)) {
        if (!is_utf8(argument)) return Errc::not_utf8;
        if (has_control_character(argument)) return Errc::control_character;
    }

    RemotePath path;
    path.text_.reserve(text_.size() + argument.size() + 1);
    if (argument.front() != '/') path.text_ = text_;
    while (!argument.empty()) {
        const std::string_view name = argument.substr(0, argument.find('/'));
        argument.remove_prefix(std::min(argument.size(), name.size() + 1));
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            if (!path.is_home()) path.text_.resize(path.text_.rfind('/'));
            continue;
        }
        if (name.size() > max_name_bytes) return Errc::name_too_long;
        path.text_ += '/';
        path.text_ += name;
        if (path.text_.size() > max_path_bytes) return Errc::name_too_long;
    }
    return path;
}

std::size_t RemotePath::depth() const
{
    return static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '/'));
}

std::string_view RemotePath::name() const
{
    if (is_home()) return {};
    const auto* const slash = static_cast<const char*>(::memrchr(text_.data(), '/', text_.size()));
    return {slash + 1, text_.data() + text_.size()};
}

RemotePath RemotePath::parent() const
{
    RemotePath up;
    if (!is_home()) up.text_ = text_.substr(0, text_.rfind('/'));
    return up;
}

void append_quoted(std::string& out, std::string_view text)
{
    out += '"';
    for (auto quote = text.find('"'); quote != std::string_view::npos; quote = text.find('"')) {
        out.append(text, 0, quote).append("\"\"");
        text.remove_prefix(quote + 1);
    }
    out.append(text) += '"';
}

} // namespace ftpc
