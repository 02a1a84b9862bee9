#include "client/commands/listing_text.hpp"

#include "client/terminal/safe_text.hpp"
#include "client/terminal/terminal.hpp"
#include "shared/terminal/safe_streams.hpp"

#include <unistd.h>

#include <ostream>
#include <string_view>

namespace ftpc::client {

namespace {

// ECMA-48 §8.3.117 (SGR).
constexpr std::string_view bold_blue = "\x1b[1;34m";
constexpr std::string_view usual = "\x1b[0m";

char kind_letter(EntryKind kind)
{
    if (kind == EntryKind::directory) return 'd';
    return kind == EntryKind::file ? '-' : '?';
}

// A path that was given, such as that of the home, may end with one already.
const char* slash_behind(const Listed& entry)
{
    return entry.is_directory() && !entry.name.ends_with('/') ? "/" : "";
}

} // namespace

bool wants_colours(Colours when)
{
    return when == Colours::automatic ? has_colours(STDOUT_FILENO) : when == Colours::always;
}

std::string shown_name(const Listed& entry)
{
    return safe_text(entry.name) + slash_behind(entry);
}

void put_name(std::ostream& stream, const Listed& entry, bool colours)
{
    if (!colours || !entry.is_directory()) {
        stream << shown_name(entry);
        return;
    }
    put_sequence(stream, bold_blue);
    stream << safe_text(entry.name);
    put_sequence(stream, usual);
    stream << slash_behind(entry);
}

std::string mode_text(const Facts& facts)
{
    std::string text(1, kind_letter(facts.kind));
    if (!facts.mode) return text + "?????????";
    const unsigned mode = *facts.mode;
    constexpr std::string_view letters = "rwxrwxrwx";
    for (std::size_t i = 0; i < letters.size(); ++i)
        text += (mode >> (letters.size() - 1 - i) & 1U) != 0 ? letters[i] : '-';
    const auto replace = [&](unsigned bit, std::size_t at, char with_x, char without_x) {
        if ((mode & bit) != 0) text[at] = text[at] == 'x' ? with_x : without_x;
    };
    replace(04000, 3, 's', 'S');
    replace(02000, 6, 's', 'S');
    replace(01000, 9, 't', 'T');
    return text;
}

} // namespace ftpc::client
