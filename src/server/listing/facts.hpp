// The forms of a listing, and the facts of MLST and MLSD (RFC 3659 §7.5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ftpc::server {

enum class ListingForm { list, names, facts }; // LIST, NLST, MLSD

enum class Fact : std::uint8_t { type = 1, size = 2, modify = 4, perm = 8, unique = 16, unix_mode = 32 };

// Facts that a client wants to see.
class FactSet {
public:
    static constexpr std::uint8_t all = 63;
    constexpr explicit FactSet(std::uint8_t facts = all) : facts_{facts} {}
    constexpr bool has(Fact fact) const { return (facts_ & static_cast<std::uint8_t>(fact)) != 0; }

    // "type*;size*;modify*;perm;…": each fact there is, with a star if it is in the set (RFC 3659 §7.8).
    std::string feature_text() const;

    // "type;size;": those of the set, as the reply to OPTS MLST names them.
    std::string option_text() const;

    friend bool operator==(const FactSet&, const FactSet&) = default;

private:
    std::uint8_t facts_;
};

// "type;size;": unknown names are passed over; names are not case-sensitive (RFC 3659 §7.9).
FactSet parse_fact_names(std::string_view names);

} // namespace ftpc::server
