// The order of commands, and the usual questions of clients. The other session_*_test.cpp: logging in,
// session keys, directories.
#include "server/ftp/session/session.hpp"

#include "server/ftp/session/session_driver.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <array>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using ftpc::test::SessionDriver;

namespace {

struct Row {
    const char* line;
    const char* in_clear;
    const char* inside_tls;
    const char* logged_in;
};

const std::array dispatch{
    Row{"AUTH TLS", "234, start TLS", "503", "503"},
    Row{"FEAT", "211", "211", "211"},
    Row{"HELP", "214", "214", "214"},
    Row{"HELP MKD", "214", "214", "214"},
    Row{"SYST", "215", "215", "215"},
    Row{"NOOP", "200", "200", "200"},
    Row{"NOOP to keep the connection", "200", "200", "200"},
    Row{"QUIT", "221, close", "221, close", "221, close"},
    Row{"USER alice", "534", "331", "331"},
    Row{"PASS secret", "534", "503", "503"},
    Row{"PBSZ 0", "534", "200", "200"},
    Row{"PROT P", "534", "503", "503"},
    Row{"CCC", "534", "534", "534"},
    Row{"REIN", "534", "220, stop TLS", "220, stop TLS"},
    Row{"OPTS UTF8 ON", "534", "200", "200"},
    Row{"MKD a", "534", "530", "make here /a"},
    Row{"XMKD a", "534", "530", "make here /a"},
    Row{"CWD a", "534", "530", "change to /a"},
    Row{"XCWD a", "534", "530", "change to /a"},
    Row{"CDUP", "534", "530", "change to /"},
    Row{"XCUP", "534", "530", "change to /"},
    Row{"PWD", "534", "530", "257"},
    Row{"XPWD", "534", "530", "257"},
    Row{"STAT", "534", "530", "211"},
    Row{"TYPE I", "534", "530", "200"},
    Row{"MODE S", "534", "530", "200"},
    Row{"STRU F", "534", "530", "200"},
    Row{"ALLO 1024", "534", "530", "202"},
    Row{"SITE HELP", "534", "214", "214"},
    Row{"SITE TIME", "534", "tell time", "tell time"},
    Row{"SITE TIME now", "534", "501", "501"},
    Row{"SITE MKDIR a/b", "534", "530", "make all of /a/b"},
    Row{"SITE SESSION LIST", "534", "530", "list keys"},
    Row{"SITE SESSION END", "534", "530", "end own key"},
    Row{"SITE SESSION NEW x", "534", "530", "501"},
    Row{"SITE AUTH PREHASH1 x", "534", "503", "503"},
    Row{"SITE AUTH SESSKEY1 x", "534", "503", "503"},
    Row{"SITE AUTH PLAIN x", "534", "504", "504"},
    Row{"SITE CHMOD 777 a", "534", "504", "504"},
    Row{"CLNT lftp 4.9", "534", "200", "200"},
    Row{"OPTS MLST type;", "534", "200", "200"},
    Row{"PASV", "534", "530", "PASV"},
    Row{"EPSV", "534", "530", "EPSV"},
    Row{"LIST", "534", "530", "521"},
    Row{"NLST a", "534", "530", "521"},
    Row{"MLSD", "534", "530", "521"},
    Row{"MLST", "534", "530", "show facts of / type;size;modify;perm;unique;unix.mode;"},
    Row{"STAT a", "534", "530", "show status of /a"},
    Row{"SIZE a", "534", "530", "550"},
    Row{"MDTM a", "534", "530", "show time of /a"},
    Row{"ABOR", "534", "530", "abort"},
    Row{"SITE MLSD /a", "534", "530", "list tree of /a to 1"},
    Row{"STOR a", "534", "530", "502"},
    Row{"RETR a", "534", "530", "502"},
    Row{"PORT 1,2,3,4,5,6", "502", "502", "502"},
    Row{"EPRT |1|192.0.2.1|2121|", "502", "502", "502"},
    Row{"ADAT x", "502", "502", "502"},
    Row{"ACCT x", "502", "502", "502"},
    Row{"GET / HTTP/1.1", "421, close", "421, close", "421, close"},
    Row{"POST /MKD", "421, close", "421, close", "421, close"},
    Row{"Host: files.example.org", "421, close", "421, close", "421, close"},
    Row{"PRI * HTTP/2.0", "421, close", "421, close", "421, close"},
    Row{"get / HTTP/1.1", "500", "500", "500"},
    Row{"GETS /", "500", "500", "500"},
    Row{"HOST files.example.org", "502", "502", "502"},
    Row{"", "500", "500", "500"},
    Row{" NOOP", "500", "500", "500"},
    Row{"NOOPS", "500", "500", "500"},
    Row{"XNOO", "500", "500", "500"},
    Row{"\xff\xf4\xff\xf2"
        "ABOR",
        "534", "530", "abort"},
};

} // namespace

TEST_CASE_METHOD(SessionDriver,
                 "in clear only what asks for TLS, tells about the server or quits does anything")
{
    for (const Row& row : dispatch) {
        INFO(row.line);
        CHECK(outcome(row.line) == row.in_clear);
    }
    CHECK_FALSE(session.logged_in());
}

TEST_CASE("inside TLS a command that needs a login is answered 530 before it")
{
    for (const Row& row : dispatch) {
        INFO(row.line);
        SessionDriver one;
        one.start_tls();
        CHECK(one.outcome(row.line) == row.inside_tls);
    }
}

TEST_CASE("once logged in every command does what it says")
{
    for (const Row& row : dispatch) {
        INFO(row.line);
        SessionDriver one;
        one.log_in();
        CHECK(one.outcome(row.line) == row.logged_in);
    }
}

TEST_CASE_METHOD(SessionDriver, "verbs are not case-sensitive")
{
    log_in();
    CHECK(outcome("mkd A") == "make here /A");
    CHECK(outcome("Site mKdIr A") == "make all of /A");
    CHECK(outcome("site session list") == "list keys");
    CHECK(outcome("pbsz 0") == "200");
    CHECK(outcome("prot p") == "200");
    CHECK(outcome("type l 8") == "200");
}

TEST_CASE_METHOD(SessionDriver, "a missing or superfluous argument is 501")
{
    log_in();
    for (const char* const line :
         {"AUTH",   "PBSZ",  "PROT",  "MKD",    "MKD ",       "CWD",        "TYPE",     "MODE",
          "STRU",   "ALLO",  "OPTS",  "SITE",   "SITE ",      "QUIT now",   "FEAT all", "SYST x",
          "CDUP x", "PWD x", "CCC x", "REIN x", "SITE MKDIR", "SITE MKDIR "}) {
        INFO(line);
        CHECK(outcome(line) == "501");
    }
    CHECK(session.logged_in());
}

TEST_CASE_METHOD(SessionDriver, "USER without a name is 501 and ends the login before it")
{
    for (const char* const line : {"USER", "USER "}) {
        INFO(line);
        log_in();
        CHECK(outcome(line) == "501");
        CHECK(!session.logged_in());
        CHECK(outcome("PASS secret") == "503");
    }
}

TEST_CASE_METHOD(SessionDriver, "only AUTH TLS is offered, and only once")
{
    CHECK(outcome("AUTH SSL") == "504");
    CHECK(outcome("AUTH GSSAPI") == "504");
    CHECK(outcome("AUTH TLS-P") == "504");
    CHECK(outcome("AUTH TLS ") == "504");
    CHECK(outcome("auth tls") == "234, start TLS");
    start_tls();
    CHECK(outcome("AUTH TLS") == "503");
    CHECK(outcome("AUTH SSL") == "503");
}

TEST_CASE_METHOD(SessionDriver, "PROT wants PBSZ before it and keeps everything private")
{
    start_tls();
    CHECK(outcome("PROT P") == "503");
    CHECK(outcome("PBSZ 1x") == "501");
    CHECK(outcome("PBSZ -1") == "501");
    CHECK(outcome("PROT P") == "503");
    CHECK(text("PBSZ 0") == "PBSZ=0");
    CHECK(outcome("PROT P") == "200");
    CHECK(outcome("PROT C") == "534");
    CHECK(outcome("PROT S") == "536");
    CHECK(outcome("PROT E") == "536");
    CHECK(outcome("PROT X") == "504");
    CHECK(text("PBSZ 99999999999999999999999") == "PBSZ=0");
}

TEST_CASE_METHOD(SessionDriver, "TLS that begins anew forgets PBSZ and the login")
{
    log_in();
    change_directory("/a");
    CHECK(outcome("PBSZ 0") == "200");
    CHECK(outcome("REIN") == "220, stop TLS");
    CHECK_FALSE(session.logged_in());
    CHECK(session.user().empty());
    CHECK(session.working_directory().is_home());
    CHECK(outcome("PWD") == "534");
    CHECK(outcome("AUTH TLS") == "234, start TLS");
    start_tls();
    CHECK(outcome("PWD") == "530");
    CHECK(outcome("PROT P") == "503");
    CHECK(outcome("PASS secret") == "503");
}

TEST_CASE_METHOD(SessionDriver, "FEAT announces the realm and the extensions inside TLS only")
{
    const std::string before = "Features:\nAUTH TLS\nCLNT\nEPSV\nMDTM\n"
                               "MLST type*;size*;modify*;perm*;unique*;unix.mode*;\nPBSZ\nPROT\n";
    const std::string behind = "SIZE\nTVFS\nUTF8\nEnd";
    CHECK(text("FEAT") == before + behind);
    start_tls();
    CHECK(text("FEAT") == before +
                              "SITE AUTH PREHASH1;SESSKEY1\nSITE MKDIR\nSITE MLSD\n"
                              "SITE REALM 6f2c8e1bd0a94f7793ab5c44e1d2f0a7\nSITE SESSION\nSITE TIME\n" +
                              behind);
}

TEST_CASE_METHOD(SessionDriver, "FEAT follows a realm that is not known yet, or changes")
{
    realm.clear();
    start_tls();
    CHECK_THAT(text("FEAT"), !test::contains("REALM"));
    realm = "another";
    CHECK_THAT(text("FEAT"), test::contains("\nSITE REALM another\n"));
}

TEST_CASE_METHOD(SessionDriver, "STAT names the user, the TLS version, the type and the working directory")
{
    log_in();
    change_directory("/a \"b\"");
    CHECK(text("STAT") ==
          "Status:\nLogged in as alice\nTLS 1.3\nTYPE A\nWorking directory \"/a \"\"b\"\"\"\nEnd");
    CHECK(outcome("TYPE I") == "200");
    CHECK_THAT(text("STAT"), test::contains("\nTYPE I\n"));
}

TEST_CASE_METHOD(SessionDriver, "TYPE, MODE, STRU, ALLO and OPTS take what a control connection can mean")
{
    log_in();
    for (const char* const line :
         {"TYPE A", "TYPE a n", "TYPE I", "TYPE L 8", "MODE S", "STRU F", "OPTS UTF8", "OPTS utf8 on"}) {
        INFO(line);
        CHECK(outcome(line) == "200");
    }
    for (const char* const line : {"TYPE E", "TYPE A T", "TYPE L 7", "MODE B", "MODE C", "MODE Z", "STRU R",
                                   "STRU P", "OPTS UTF8 OFF"}) {
        INFO(line);
        CHECK(outcome(line) == "504");
    }
    CHECK(outcome("ALLO 10 R 5") == "202");
    CHECK(outcome("ALLO ten") == "501");
    CHECK(outcome("OPTS HASH SHA-256") == "501");
    CHECK(outcome("OPTS UTF8 MAYBE") == "501");
}

TEST_CASE_METHOD(SessionDriver, "lines that are no line have replies of their own")
{
    CHECK(Session::greeting().code == 220);
    CHECK(session.on_line_too_long().code == 500);
    CHECK(session.on_endless_line().reply.code == 421);
}
