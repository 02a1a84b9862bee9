// Data connections, listings and facts of single paths.
#include "server/ftp/session/session_driver.hpp"
#include "shared/base/error.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <cerrno>
#include <limits>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct ListingTest : test::SessionDriver {
    ListingTest() { log_in(); }

    void protect()
    {
        session.on_line("PBSZ 0");
        session.on_line("PROT P");
    }
};

constexpr PassivePort over_ipv4{std::array<std::uint8_t, 4>{192, 0, 2, 1}, 2123};
constexpr PassivePort over_ipv6{std::nullopt, 65535};

const error_code not_there{ENOENT, boost::system::system_category()};

RemotePath path(std::string_view text)
{
    return RemotePath{}.resolve(text).value();
}

const std::string all_facts = "type;size;modify;perm;unique;unix.mode;";

} // namespace

TEST_CASE_METHOD(ListingTest, "PASV and EPSV ask for a port, and EPSV may name the family")
{
    CHECK(outcome("PASV") == "PASV");
    CHECK(outcome("EPSV") == "EPSV");
    CHECK(outcome("EPSV 1") == "EPSV of family 1");
    CHECK(outcome("EPSV 2") == "EPSV of family 2");
    CHECK(outcome("EPSV 3") == "EPSV of family 3");
    for (const char* const line : {"EPSV x", "EPSV -1", "EPSV 1 2", "EPSV 99999999999", "PASV 1"}) {
        INFO(line);
        CHECK(outcome(line) == "501");
    }
}

TEST_CASE_METHOD(ListingTest, "after EPSV ALL only EPSV opens data connections, until TLS begins anew")
{
    CHECK(outcome("epsv all") == "200");
    CHECK(outcome("PASV") == "503");
    CHECK(outcome("EPSV") == "EPSV");
    CHECK(outcome("EPSV 1") == "EPSV of family 1");
    session.on_line("USER alice");
    session.on_line("PASS secret");
    session.on_login(LoginOutcome::granted);
    CHECK(outcome("PASV") == "503");
    session.on_line("REIN");
    log_in();
    CHECK(outcome("PASV") == "PASV");
}

TEST_CASE("the replies to PASV and EPSV say where to connect")
{
    CHECK(Session::on_passive_port({}, over_ipv4) == Reply{227, "Entering Passive Mode (192,0,2,1,8,75)."});
    CHECK(Session::on_passive_port({.extended = true}, over_ipv4) ==
          Reply{229, "Entering Extended Passive Mode (|||2123|)."});
    CHECK(Session::on_passive_port({.extended = true, .family = 1}, over_ipv4).code == 229);
    CHECK(Session::on_passive_port({.extended = true}, over_ipv6) ==
          Reply{229, "Entering Extended Passive Mode (|||65535|)."});
    CHECK(Session::on_passive_port({.extended = true, .family = 2}, over_ipv6).code == 229);
}

TEST_CASE("a data connection that cannot be had is refused with a way out")
{
    const Reply no_pasv = Session::on_passive_port({}, over_ipv6);
    CHECK(no_pasv.code == 425);
    CHECK_THAT(no_pasv.text, test::contains("EPSV"));
    CHECK(Session::on_passive_port({.extended = true, .family = 2}, over_ipv4) ==
          Reply{522, "Network protocol not supported, use (1)."});
    CHECK(Session::on_passive_port({.extended = true, .family = 1}, over_ipv6) ==
          Reply{522, "Network protocol not supported, use (2)."});
    CHECK(Session::on_passive_port({.extended = true, .family = 3}, over_ipv4).code == 522);
    const Result<PassivePort> none{Errc::no_passive_port};
    CHECK(Session::on_passive_port({}, none).code == 425);
    CHECK_THAT(Session::on_passive_port({.extended = true}, none).text, test::contains("try again later"));
}

TEST_CASE_METHOD(ListingTest, "listings over a data connection are 521 before PROT P")
{
    for (const char* const line : {"LIST", "NLST a", "MLSD /", "LIST -a"}) {
        INFO(line);
        CHECK(outcome(line) == "521");
    }
    session.on_line("PBSZ 0");
    CHECK(outcome("PROT C") == "534");
    CHECK(outcome("LIST") == "521");
    CHECK(outcome("PROT P") == "200");
    CHECK(outcome("LIST") == "list /");
    CHECK(outcome("PROT C") == "534");
    CHECK(outcome("LIST") == "list /");
}

TEST_CASE_METHOD(ListingTest, "another login keeps PROT P, and another handshake does not")
{
    protect();
    session.on_line("USER bob");
    session.on_line("PASS secret");
    session.on_login(LoginOutcome::granted);
    CHECK(outcome("LIST") == "list /");
    session.on_line("REIN");
    log_in();
    CHECK(outcome("LIST") == "521");
}

TEST_CASE_METHOD(ListingTest, "a listing is of the path that is named, or else of the working directory")
{
    protect();
    change_directory("/a");
    CHECK(outcome("LIST") == "list /a");
    CHECK(outcome("NLST b c") == "name /a/b c");
    CHECK(outcome("NLST ..") == "name /");
    CHECK(outcome("MLSD") == "facts of /a " + all_facts);
    CHECK(outcome("MLSD /b/../c/") == "facts of /c " + all_facts);
    CHECK(outcome("MLST") == "show facts of /a " + all_facts);
    CHECK(outcome("MLST b") == "show facts of /a/b " + all_facts);
    CHECK(outcome("MDTM b") == "show time of /a/b");
    CHECK(outcome("STAT b") == "show status of /a/b");
    const std::string too_long(256, 'n');
    for (const std::string verb : {"LIST", "NLST", "MLSD", "MLST", "MDTM", "STAT", "SITE MLSD"}) {
        INFO(verb);
        CHECK(outcome(verb + " a\tb") == "501");
        CHECK(outcome(verb + " \xff") == "501");
        CHECK(outcome(verb + " " + too_long) == "553");
    }
}

TEST_CASE_METHOD(ListingTest, "options of ls in front of a path are passed over where clients send them")
{
    protect();
    CHECK(outcome("LIST -a") == "list /");
    CHECK(outcome("LIST -la b c") == "list /b c");
    CHECK(outcome("LIST -a -l -- b") == "list /b");
    CHECK(outcome("LIST -") == "list /");
    CHECK(outcome("LIST a -l") == "list /a -l");
    CHECK(outcome("LIST ./-a") == "list /-a");
    CHECK(outcome("NLST -1") == "name /");
    CHECK(outcome("STAT -l") == "show status of /");
    CHECK(outcome("STAT -la b") == "show status of /b");
    CHECK(outcome("MLSD -a") == "facts of /-a " + all_facts);
    CHECK(outcome("MLST -a") == "show facts of /-a " + all_facts);
}

TEST_CASE_METHOD(ListingTest, "OPTS MLST chooses the facts, and FEAT marks them with stars")
{
    protect();
    CHECK(text("OPTS MLST Type;SIZE;nonsense;") == "MLST OPTS type;size;");
    CHECK(outcome("MLST a") == "show facts of /a type;size;");
    CHECK(outcome("MLSD a") == "facts of /a type;size;");
    CHECK_THAT(text("FEAT"), test::contains("\nMLST type*;size*;modify;perm;unique;unix.mode;\n"));
    CHECK(text("OPTS MLST unix.mode") == "MLST OPTS unix.mode;");
    CHECK(text("OPTS MLST") == "MLST OPTS");
    CHECK(outcome("MLST") == "show facts of / ");
    CHECK(outcome("OPTS MLST type; size;") == "501");
    CHECK(outcome("MLST") == "show facts of / ");
}

TEST_CASE_METHOD(ListingTest, "the chosen facts and the type outlive another login, but not REIN")
{
    session.on_line("OPTS MLST type;");
    session.on_line("TYPE I");
    session.on_line("USER bob");
    session.on_line("PASS secret");
    session.on_login(LoginOutcome::granted);
    CHECK(outcome("MLST") == "show facts of / type;");
    CHECK(outcome("SIZE a") == "show size of /a");
    session.on_line("REIN");
    log_in();
    CHECK(outcome("MLST") == "show facts of / " + all_facts);
    CHECK(outcome("SIZE a") == "550");
}

TEST_CASE_METHOD(ListingTest, "SIZE needs TYPE I, and a refused TYPE changes nothing")
{
    CHECK(text("SIZE a") == "SIZE needs TYPE I.");
    session.on_line("TYPE L 8");
    CHECK(outcome("SIZE a") == "show size of /a");
    CHECK(outcome("TYPE E") == "504");
    CHECK(outcome("SIZE a") == "show size of /a");
    session.on_line("TYPE a");
    CHECK(outcome("SIZE a") == "550");
}

TEST_CASE("SIZE tells the bytes of a file, and is 550 for anything else")
{
    CHECK(Session::on_size(path("/a"), std::optional<std::uint64_t>{12345678901U}) ==
          Reply{213, "12345678901"});
    CHECK(Session::on_size(path("/a"), std::optional<std::uint64_t>{}) ==
          Reply{550, "\"/a\" is not a file."});
    CHECK(Session::on_size(path("/a"), not_there) == Reply{550, "No such file or directory"});
}

TEST_CASE("MDTM tells the time in UTC")
{
    CHECK(Session::on_modified(path("/a"), std::int64_t{1796033700}) == Reply{213, "20261130101500"});
    CHECK(Session::on_modified(path("/a"), std::int64_t{-1}) == Reply{213, "19691231235959"});
    CHECK(Session::on_modified(path("/a"), not_there).code == 550);
    for (const std::int64_t never :
         {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(),
          std::int64_t{253402300800}, std::int64_t{-62135596801}}) {
        INFO(never);
        CHECK(Session::on_modified(path("/a"), never).code == 550);
    }
}

TEST_CASE("MLST has one line of facts between the first and the last")
{
    CHECK(Session::on_facts(path("/a\"b"), std::string{"type=dir;perm=elm; /a\"b"}) ==
          Reply{250, "Listing \"/a\"\"b\"\ntype=dir;perm=elm; /a\"b\nEnd"});
    CHECK(Session::on_facts(path("/a"), not_there) == Reply{550, "No such file or directory"});
}

TEST_CASE_METHOD(ListingTest, "SITE MLSD has a path, and a depth if digits stand in front of it")
{
    change_directory("/a");
    CHECK(outcome("SITE MLSD b") == "list tree of /a/b to 1");
    CHECK(outcome("SITE MLSD 0 /b") == "list tree of /b to 0");
    CHECK(outcome("SITE MLSD 32 /b c") == "list tree of /b c to 32");
    CHECK(outcome("site mlsd 2") == "list tree of /a/2 to 1");
    CHECK(outcome("SITE MLSD /2 3") == "list tree of /2 3 to 1");
    CHECK(outcome("SITE MLSD ./2 3") == "list tree of /a/2 3 to 1");
    for (const char* const line : {"SITE MLSD", "SITE MLSD ", "SITE MLSD 2 ", "SITE MLSD 33 /b",
                                   "SITE MLSD 99999999999999999999 /b"}) {
        INFO(line);
        CHECK(outcome(line) == "501");
    }
}

TEST_CASE("ABOR without a transfer is 225")
{
    CHECK(Session::on_nothing_to_abort().code == 225);
}

TEST_CASE_METHOD(ListingTest, "files are refused in words that a person understands, and PORT names PASV")
{
    for (const char* const line : {"RETR a", "STOR a", "APPE a", "REST 0", "RNFR a", "RNTO b", "DELE a",
                                   "RMD a", "XRMD a", "MFMT 20261130101500 a", "RETR"}) {
        INFO(line);
        CHECK(text(line) == "This server makes and lists directories; it has no file transfer yet.");
    }
    for (const char* const line : {"PORT 192,0,2,1,8,75", "EPRT |1|192.0.2.1|2123|"}) {
        CHECK(outcome(line) == "502");
        CHECK_THAT(text(line), test::contains("EPSV or PASV"));
    }
}
