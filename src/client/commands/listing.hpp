// A directory or file on the server, and the entries beneath it.
#pragma once

#include "client/commands/fact_line.hpp"

#include <string>
#include <vector>

namespace ftpc::client {

struct Listed {
    std::string name; // the last component; empty for the home
    Facts facts;
    std::vector<Listed> children; // those that were asked for, in the server's order until arrange()

    bool is_directory() const { return facts.kind == EntryKind::directory; }
};

// Sorts the children of `top`, and theirs, by name in the order of the locale. Takes those out whose name
// begins with a dot, unless `hidden`.
void arrange(Listed& top, bool hidden);

// `name` in the directory `path`, both absolute: "/a" and "b" are "/a/b".
std::string joined(const std::string& path, const std::string& name);

} // namespace ftpc::client
