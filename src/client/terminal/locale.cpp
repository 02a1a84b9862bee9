#include "client/terminal/locale.hpp"

#include "shared/base/text.hpp"

#include <langinfo.h>
#include <wchar.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace ftpc::client {

namespace {

std::size_t characters_of(std::string_view utf8)
{
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

} // namespace

void use_locale_of_user()
{
    for (const int category : {LC_COLLATE, LC_CTYPE})
        static_cast<void>(std::setlocale(category, ""));
}

bool comes_before(const std::string& a, const std::string& b)
{
    const int order = std::strcoll(a.c_str(), b.c_str());
    return order != 0 ? order < 0 : a < b;
}

bool has_utf8_locale()
{
    return std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
}

std::size_t columns_of(std::string_view text)
{
    if (is_printable_ascii(text)) return text.size();
    std::vector<wchar_t> wide(text.size() + 1);
    const std::size_t characters = std::mbstowcs(wide.data(), std::string{text}.c_str(), wide.size());
    const int columns = characters > text.size() ? -1 : ::wcswidth(wide.data(), characters);
    return columns < 0 ? characters_of(text) : static_cast<std::size_t>(columns);
}

} // namespace ftpc::client
