// Run as an ordinary user, the server's data belong to that user; run as root, to two system users. The
// latter is driven with the accounts of any two ids, which need not be in the system's table.
#include "server/directories/data_directory.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr FileOwner net{41001, 41001};
constexpr FileOwner auth{41002, 41002};

struct DataTest {
    test::TemporaryDirectory top;
    Settings settings;
    mode_t umask_before = ::umask(022);

    DataTest() { settings.data = top.path("ftpcd"); }
    DataTest(const DataTest&) = delete;
    DataTest& operator=(const DataTest&) = delete;
    ~DataTest() { ::umask(umask_before); }

    struct stat status(const std::string& name) const
    {
        struct stat found {};
        REQUIRE(::lstat(top.path(name).c_str(), &found) == 0);
        return found;
    }
    mode_t mode(const std::string& name) const { return status(name).st_mode & 07777U; }

    std::string refusal(const ServiceAccounts& accounts = {}) const
    {
        try {
            open_data_directory(settings, accounts);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "accepted";
    }
};

} // namespace

TEST_CASE_METHOD(DataTest, "the data directory is made on first use, for this user only")
{
    const DataDirectory made = open_data_directory(settings, {});
    CHECK(made.data);
    CHECK(made.tree);
    CHECK(mode("ftpcd") == 0700);
    CHECK(mode("ftpcd/tls") == 0700);
    CHECK(mode("ftpcd/root") == 0755);
    CHECK(refusal() == "accepted");
}

TEST_CASE_METHOD(DataTest,
                 "it is made with what is above it, with the same permissions however it is written")
{
    for (const char* const name : {"a/b/ftpcd", "c/ftpcd/", "d/ftpcd//"}) {
        settings.data = top.path(name);
        CHECK(refusal() == "accepted");
        CHECK(mode(name) == 0700);
    }
}

TEST_CASE_METHOD(DataTest, "the tree may lie elsewhere, and stays as it is when it is there")
{
    settings.root = top.path("tree");
    REQUIRE(::mkdir(settings.root.c_str(), 0711) == 0);
    CHECK(refusal() == "accepted");
    CHECK(mode("tree") == 0711);
    CHECK(::access(top.path("ftpcd/root").c_str(), F_OK) != 0);
}

TEST_CASE_METHOD(DataTest,
                 "a data directory that others can change is refused with the command that mends it")
{
    CHECK(refusal() == "accepted");
    for (const mode_t open : {0770U, 0702U, 0777U, 01777U}) {
        REQUIRE(::chmod(settings.data.c_str(), open) == 0);
        CHECK(refusal() ==
              settings.data + ": others can change it; mend it with: chmod go-w " + settings.data);
    }
    REQUIRE(::chmod(settings.data.c_str(), 0755) == 0);
    CHECK(refusal() == "accepted");
}

TEST_CASE_METHOD(DataTest, "files in the place of directories are named")
{
    top.write("ftpcd", "");
    CHECK(refusal() == settings.data + ": Not a directory");
    settings.data = top.path("ftpcd/below");
    CHECK_THAT(refusal(), test::starts_with(top.path("ftpcd")));
    settings.data = top.path("other");
    REQUIRE(::mkdir(settings.data.c_str(), 0700) == 0);
    top.write("other/root", "");
    CHECK(refusal() == settings.data + "/root: Not a directory");
}

TEST_CASE_METHOD(DataTest, "another user's data directory is refused")
{
    if (::geteuid() != 0) {
        WARN("only root can give a directory away: not tested");
        return;
    }
    CHECK(refusal() == "accepted");
    REQUIRE(::chown(settings.data.c_str(), net.user, net.group) == 0);
    CHECK(refusal() == settings.data + ": belongs to another user; it must be yours");
}

TEST_CASE_METHOD(DataTest, "started as root, auth may make files in the data directory and net owns the tree")
{
    if (::geteuid() != 0) {
        WARN("not root: not tested");
        return;
    }
    const ServiceAccounts accounts{net, auth};
    CHECK(refusal(accounts) == "accepted");
    CHECK(mode("ftpcd") == 01770);
    CHECK(status("ftpcd").st_uid == 0);
    CHECK(status("ftpcd").st_gid == auth.group);
    CHECK(mode("ftpcd/tls") == 0700);
    CHECK(status("ftpcd/tls").st_uid == 0);
    CHECK(status("ftpcd/root").st_uid == net.user);
    CHECK(status("ftpcd/root").st_gid == net.group);
    CHECK(refusal(accounts) == "accepted");
}

TEST_CASE_METHOD(
    DataTest,
    "started as root, a data directory that auth cannot write, or replace others' files in, is refused")
{
    if (::geteuid() != 0) {
        WARN("not root: not tested");
        return;
    }
    const ServiceAccounts accounts{net, auth};
    CHECK(refusal() == "accepted"); // made as by an ordinary user
    CHECK_THAT(refusal(accounts), test::contains("chown root:41002"));
    CHECK_THAT(refusal(accounts), test::contains("chmod 1770"));
    REQUIRE(::chown(settings.data.c_str(), 0, auth.group) == 0);
    REQUIRE(::chmod(settings.data.c_str(), 0770) == 0); // not sticky: auth could replace tls/
    CHECK_THAT(refusal(accounts), test::contains("others can change it"));
    REQUIRE(::chmod(settings.data.c_str(), 01772) == 0);
    CHECK_THAT(refusal(accounts), test::contains("others can change it"));
    REQUIRE(::chmod(settings.data.c_str(), 01770) == 0);
    CHECK(refusal(accounts) == "accepted");
}

TEST_CASE_METHOD(DataTest, "started as root, system users that are missing, root or the same are refused")
{
    if (::geteuid() != 0) {
        const ServiceAccounts none = find_service_accounts(settings);
        CHECK_FALSE(none.net);
        CHECK_FALSE(none.auth);
        return;
    }
    settings.net_user = "no-such-user-here";
    CHECK_THROWS_WITH(find_service_accounts(settings),
                      test::contains("useradd --system") && test::contains("no-such-user-here"));
    settings.net_user = "root";
    CHECK_THROWS_WITH(find_service_accounts(settings), test::contains("without privileges"));
    settings.net_user = settings.auth_user = "nobody";
    CHECK_THROWS_WITH(find_service_accounts(settings), test::contains("two different users"));
}
