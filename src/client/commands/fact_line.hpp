// One line of a listing with facts, as MLST, MLSD and SITE MLSD have it (RFC 3659 §7.2):
//     type=file;size=12;modify=20261130101500;unix.mode=0644; notes.txt
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ftpc::client {

enum class EntryKind { directory, file, other };

// Facts that are shown. Those that a server leaves out are not there.
struct Facts {
    EntryKind kind = EntryKind::other;
    std::optional<std::uint64_t> size;    // bytes
    std::optional<std::int64_t> modified; // seconds since 1970-01-01T00:00:00Z
    std::optional<unsigned> mode;         // permissions, 0 to 07777

    friend bool operator==(const Facts&, const Facts&) = default;
};

struct FactLine {
    Facts facts;
    std::string_view name; // into the line; as the server sent it
};

// Parses `line` without the space before it. Names of facts, and the type, are not case-sensitive. Other
// facts are passed over. Nothing if the line has another form, lacks the type, or has one of these facts with
// a value that is none.
std::optional<FactLine> parse_fact_line(std::string_view line);

} // namespace ftpc::client
