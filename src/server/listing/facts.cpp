#include "server/listing/facts.hpp"

#include "shared/protocol/command.hpp"

#include <algorithm>
#include <array>

namespace ftpc::server {

namespace {

struct NamedFact {
    std::string_view name;
    Fact fact;
};

constexpr std::array named_facts{
    NamedFact{"type", Fact::type}, NamedFact{"size", Fact::size},     NamedFact{"modify", Fact::modify},
    NamedFact{"perm", Fact::perm}, NamedFact{"unique", Fact::unique}, NamedFact{"unix.mode", Fact::unix_mode},
};

} // namespace

std::string FactSet::feature_text() const
{
    std::string text;
    for (const NamedFact& named : named_facts)
        text.append(named.name).append(has(named.fact) ? "*;" : ";");
    return text;
}

std::string FactSet::option_text() const
{
    std::string text;
    for (const NamedFact& named : named_facts)
        if (has(named.fact)) text.append(named.name).append(";");
    return text;
}

FactSet parse_fact_names(std::string_view names)
{
    std::uint8_t facts = 0;
    while (!names.empty()) {
        const std::string_view name = names.substr(0, names.find(';'));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        for (const NamedFact& named : named_facts)
            if (equal_ignoring_case(name, named.name)) facts |= static_cast<std::uint8_t>(named.fact);
    }
    return FactSet{facts};
}

} // namespace ftpc::server
