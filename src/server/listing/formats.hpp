// How entries read in a listing, and points in time in MDTM and in facts. All in UTC.
#pragma once

#include "server/listing/entry.hpp"
#include "server/listing/facts.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace ftpc::server {

// "20261130101500" (RFC 3659 §2.3). A time that four digits of a year do not hold becomes the nearest one.
void append_time_value(std::string& out, std::int64_t seconds);

// "type=dir;modify=20261130101500;perm=elm;unique=fd01:2f;unix.mode=0755;": of these facts those that the
// entry has, in the order of RFC 3659 §7.5. A directory has no size.
void append_facts(std::string& out, const Entry& entry, FactSet facts);

// The line of `ls -l` as far as its name, with a space behind it. `now`: seconds since 1970; a file changed
// within 180 days before shows the time of day, others the year.
void append_list_columns(std::string& out, const Entry& entry, std::int64_t now);

} // namespace ftpc::server
