#include "client/commands/fact_line.hpp"

#include "support/catch.hpp"

#include <string>

using namespace ftpc::client;

TEST_CASE("a line has the facts and the name that the server sent")
{
    const auto line = parse_fact_line(
        "type=file;size=12;modify=20261130101500;perm=;unique=fd01:2f;unix.mode=0644; notes of today.txt");
    REQUIRE(line);
    CHECK(line->name == "notes of today.txt");
    CHECK(line->facts == Facts{EntryKind::file, 12, 1796033700, 0644});
}

TEST_CASE("facts that a server leaves out are not made up")
{
    const auto line = parse_fact_line("type=dir; a");
    REQUIRE(line);
    CHECK(line->facts == Facts{EntryKind::directory, {}, {}, {}});
}

TEST_CASE("names of facts and the type are not case-sensitive, and unknown facts are passed over")
{
    const auto line = parse_fact_line("Type=DIR;X.new=1;SIZE=7;charset=; a");
    REQUIRE(line);
    CHECK(line->facts == Facts{EntryKind::directory, 7, {}, {}});
    CHECK(parse_fact_line("type=OS.unix=socket; a")->facts.kind == EntryKind::other);
}

TEST_CASE("a name keeps its spaces, semicolons and equals signs")
{
    CHECK(parse_fact_line("type=dir;  a ")->name == " a ");
    CHECK(parse_fact_line("type=dir; b; c=d; e")->name == "b; c=d; e");
}

TEST_CASE("a time has a fraction or none, and is of the calendar")
{
    const auto modified = [](const std::string& time) {
        const auto line = parse_fact_line("type=dir;modify=" + time + "; a");
        return line ? line->facts.modified : std::nullopt;
    };
    CHECK(modified("19700101000000") == 0);
    CHECK(modified("19691231235959.999") == -1);
    CHECK(modified("20240229235960") == 1709251200); // a leap second
    for (const char* const wrong : {"20230229000000", "20261301000000", "20261130240000", "2026113010150",
                                    "20261130101500Z", "2026-11-30", "-0261130101500", ""})
        CHECK_FALSE(parse_fact_line("type=dir;modify=" + std::string{wrong} + "; a"));
}

TEST_CASE("a line that is none is not taken for one")
{
    for (const char* const line :
         {"", " ", "a", "type=dir;", "type=dir; ", "type=dir a", "size=1; a", "type; a", "type=; a",
          "type=cdir; a", "type=file;size=-1; a", "type=file;size=1x; a",
          "type=file;size=18446744073709551616; a", "type=dir;unix.mode=0800; a",
          "type=dir;unix.mode=10000; a", "drwxr-xr-x 2 ftp ftp 0 Nov 30 10:15 a"})
        CHECK_FALSE(parse_fact_line(line));
}
