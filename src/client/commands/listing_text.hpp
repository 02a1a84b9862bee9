// Entries of a listing as people read them.
#pragma once

#include "client/commands/listing.hpp"
#include "client/commands/options.hpp"

#include <iosfwd>
#include <string>

namespace ftpc::client {

// Whether standard output gets colours.
bool wants_colours(Colours when);

// The name, safe to print, with a '/' behind a directory.
std::string shown_name(const Listed& entry);

// The same to `stream`, with the name of a directory in bold blue if there are `colours`.
void put_name(std::ostream& stream, const Listed& entry, bool colours);

// "drwxr-xr-x", as ls(1) has it. '?' for what the server does not say, and for what is no file and no
// directory.
std::string mode_text(const Facts& facts);

} // namespace ftpc::client
