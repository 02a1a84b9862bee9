#include "server/listing/facts.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;

namespace {

FactSet of(std::initializer_list<Fact> facts)
{
    std::uint8_t all = 0;
    for (const Fact fact : facts)
        all |= static_cast<std::uint8_t>(fact);
    return FactSet{all};
}

} // namespace

TEST_CASE("a set of all facts is announced with a star at each")
{
    CHECK(FactSet{}.feature_text() == "type*;size*;modify*;perm*;unique*;unix.mode*;");
    CHECK(of({Fact::size, Fact::unique}).feature_text() == "type;size*;modify;perm;unique*;unix.mode;");
    CHECK(FactSet{0}.feature_text() == "type;size;modify;perm;unique;unix.mode;");
}

TEST_CASE("the reply to OPTS MLST names the facts of the set")
{
    CHECK(FactSet{}.option_text() == "type;size;modify;perm;unique;unix.mode;");
    CHECK(of({Fact::unix_mode, Fact::type}).option_text() == "type;unix.mode;");
    CHECK(FactSet{0}.option_text().empty());
}

TEST_CASE("fact names are read in any order and case, with or without a semicolon at the end")
{
    CHECK(parse_fact_names("type;size;modify;perm;unique;unix.mode;") == FactSet{});
    CHECK(parse_fact_names("UNIX.Mode;Type") == of({Fact::type, Fact::unix_mode}));
    CHECK(parse_fact_names("size;size;") == of({Fact::size}));
}

TEST_CASE("unknown fact names are passed over")
{
    CHECK(parse_fact_names("") == FactSet{0});
    CHECK(parse_fact_names(";;;") == FactSet{0});
    CHECK(parse_fact_names("create;media-type; size;sizes;siz;\xff;perm;") == of({Fact::perm}));
}
