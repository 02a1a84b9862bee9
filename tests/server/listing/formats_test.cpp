#include "server/listing/formats.hpp"

#include "support/catch.hpp"

#include <sys/stat.h>

#include <limits>
#include <string>

using namespace ftpc::server;

namespace {

constexpr std::int64_t day = 86400;
constexpr std::int64_t noon = 1796040000; // 2026-11-30 12:00:00

std::string time_value(std::int64_t seconds)
{
    std::string text;
    append_time_value(text, seconds);
    return text;
}

std::string facts(const Entry& entry, FactSet set = FactSet{})
{
    std::string text;
    append_facts(text, entry, set);
    return text;
}

std::string columns(const Entry& entry, std::int64_t now = noon)
{
    std::string text;
    append_list_columns(text, entry, now);
    return text;
}

Entry directory()
{
    return {.kind = EntryKind::directory,
            .size = 4096,
            .modified = noon,
            .mode = S_IFDIR | 0755,
            .links = 2,
            .device = 0xfd01,
            .inode = 0x2f};
}

Entry file(std::int64_t modified = noon)
{
    return {.kind = EntryKind::file,
            .size = 1234,
            .modified = modified,
            .mode = S_IFREG | 0640,
            .links = 1,
            .device = 8,
            .inode = 255};
}

Entry other(std::uint32_t kind)
{
    return {.modified = noon, .mode = kind | 0666, .links = 1, .device = 5, .inode = 6};
}

std::string date(std::int64_t modified, std::int64_t now = noon)
{
    return columns(file(modified), now).substr(47);
}

} // namespace

TEST_CASE("a time value has four digits for the year and two for each part below it")
{
    CHECK(time_value(0) == "19700101000000");
    CHECK(time_value(noon) == "20261130120000");
    CHECK(time_value(951782399) == "20000228235959");
    CHECK(time_value(951868799) == "20000229235959");
}

TEST_CASE("a time before 1970 is a time value, too")
{
    CHECK(time_value(-1) == "19691231235959");
    CHECK(time_value(-2208988800) == "19000101000000");
    CHECK(time_value(-62167219200) == "00000101000000");
}

TEST_CASE("a time outside of the years 0 to 9999 becomes the nearest one inside")
{
    CHECK(time_value(-62167219201) == "00000101000000");
    CHECK(time_value(253402300799) == "99991231235959");
    CHECK(time_value(253402300800) == "99991231235959");
    CHECK(time_value(std::numeric_limits<std::int64_t>::min()) == "00000101000000");
    CHECK(time_value(std::numeric_limits<std::int64_t>::max()) == "99991231235959");
}

TEST_CASE("the facts of a directory have no size, and say that it may be entered, listed and made in")
{
    CHECK(facts(directory()) == "type=dir;modify=20261130120000;perm=elm;unique=fd01:2f;unix.mode=0755;");
}

TEST_CASE("the facts of a file say that nothing may be done with it")
{
    CHECK(facts(file()) == "type=file;size=1234;modify=20261130120000;perm=;unique=8:ff;unix.mode=0640;");
}

TEST_CASE("the facts of a FIFO, socket or device name its kind")
{
    CHECK(facts(other(S_IFIFO)) ==
          "type=OS.unix=fifo;size=0;modify=20261130120000;perm=;unique=5:6;unix.mode=0666;");
    const FactSet type{static_cast<std::uint8_t>(Fact::type)};
    CHECK(facts(other(S_IFSOCK), type) == "type=OS.unix=socket;");
    CHECK(facts(other(S_IFBLK), type) == "type=OS.unix=block;");
    CHECK(facts(other(S_IFCHR), type) == "type=OS.unix=character;");
}

TEST_CASE("only facts of the set are given")
{
    CHECK(facts(file(), FactSet{0}).empty());
    CHECK(facts(file(), parse_fact_names("unix.mode;size;")) == "size=1234;unix.mode=0640;");
    CHECK(facts(directory(), parse_fact_names("size;")).empty());
}

TEST_CASE("the largest facts and columns are given whole")
{
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    Entry entry = other(S_IFCHR | 07000);
    entry.size = entry.links = entry.device = entry.inode = most;
    CHECK(facts(entry) == "type=OS.unix=character;size=18446744073709551615;modify=20261130120000;perm=;"
                          "unique=ffffffffffffffff:ffffffffffffffff;unix.mode=7666;");
    CHECK(columns(entry) == "crwSrwSrwT 18446744073709551615 ftp      ftp      18446744073709551615"
                            " Nov 30 12:00 ");
}

TEST_CASE("the columns of a listing are those of ls -l")
{
    CHECK(columns(directory()) == "drwxr-xr-x    2 ftp      ftp              4096 Nov 30 12:00 ");
    CHECK(columns(file()) == "-rw-r-----    1 ftp      ftp              1234 Nov 30 12:00 ");
    CHECK(columns(other(S_IFIFO)).starts_with("prw-rw-rw- "));
    CHECK(columns(other(S_IFSOCK)).starts_with("srw-rw-rw- "));
    CHECK(columns(other(S_IFBLK)).starts_with("brw-rw-rw- "));
}

TEST_CASE("set-user-ID, set-group-ID and sticky show as ls shows them")
{
    Entry entry = file();
    const auto mode = [&entry](std::uint32_t bits) {
        entry.mode = S_IFREG | bits;
        return columns(entry).substr(0, 10);
    };
    CHECK(mode(0) == "----------");
    CHECK(mode(07777) == "-rwsrwsrwt");
    CHECK(mode(07000) == "---S--S--T");
    CHECK(mode(02750) == "-rwxr-s---");
}

TEST_CASE("a file of the last 180 days shows the time of day, an older one the year")
{
    CHECK(date(noon - 180 * day) == "Jun  3 12:00 ");
    CHECK(date(noon - 180 * day - 1) == "Jun  3  2026 ");
    CHECK(date(noon) == "Nov 30 12:00 ");
    CHECK(date(0) == "Jan  1  1970 ");
}

TEST_CASE("a file of the future shows the year, but for an hour in which clocks may differ")
{
    CHECK(date(noon + 3600) == "Nov 30 13:00 ");
    CHECK(date(noon + 3601) == "Nov 30  2026 ");
    CHECK(date(std::numeric_limits<std::int64_t>::max()) == "Dec 31  9999 ");
}

TEST_CASE("a file of before 1970 shows its year")
{
    CHECK(date(-1) == "Dec 31  1969 ");
    CHECK(date(std::numeric_limits<std::int64_t>::min()) == "Jan  1  0000 ");
    CHECK(date(-1, 0) == "Dec 31 23:59 ");
}
