#include "server/users/users_file.hpp"

#include "server/users/password_hash.hpp"
#include "server/users/user_line.hpp"
#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/protocol/prehash.hpp"
#include "support/catch.hpp"
#include "support/in_child.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using test::TemporaryDirectory;

namespace {

const std::string hash =
    "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$86NJHg9XBxSGJYVgIgkOmRCssPtv4CYnTZX/8quMHmM";
const std::string other_hash =
    "$scrypt$ln=11,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$86NJHg9XBxSGJYVgIgkOmRCssPtv4CYnTZX/8quMHmM";

User user(const std::string& name)
{
    return {.name = name, .password_hash = hash, .home = name, .max_dirs = {}};
}

std::string text_with(const std::string& user_text)
{
    std::string text = "realm r\n";
    return text.append(user_text).append("\n");
}

struct Data : TemporaryDirectory {
    explicit Data(const std::string& text) { put(text); }

    void put(const std::string& text, mode_t mode = 0600)
    {
        write("users.db", text);
        REQUIRE(::chmod(path("users.db").c_str(), mode) == 0);
    }
    UsersFile open() const { return {fd(), path()}; }
};

// Until the process ends. Root in a container often lacks this one, which leases on files of others need.
void drop_cap_lease()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    const bool got = ::syscall(SYS_capget, &header, sets.data()) == 0;
    sets[0].effective &= ~(1U << CAP_LEASE);
    sets[0].permitted &= ~(1U << CAP_LEASE);
    if (!got || ::syscall(SYS_capset, &header, sets.data()) != 0) throw std::runtime_error{"not dropped"};
}

UsersFile::Edit adding(const std::string& name)
{
    return [name](const UsersTable& now) -> UsersFile::Edited { return now.adding(user(name)); };
}

} // namespace

TEST_CASE("a users file that was lost is not replaced by an empty one")
{
    for (const char* left : {"sessions.db", "login-history"}) {
        const TemporaryDirectory data;
        REQUIRE(replace_file(data.fd(), left, "", S_IRUSR | S_IWUSR));
        CHECK(ensure_users_file(data.fd()).error() == Errc::users_db_missing);
        CHECK(::faccessat(data.fd(), users_file_name, F_OK, 0) != 0);
    }
}

TEST_CASE("a users file is made with a random realm if there is none, and left alone if there is")
{
    const TemporaryDirectory one;
    const TemporaryDirectory two;
    REQUIRE(ensure_users_file(one.fd()));
    REQUIRE(ensure_users_file(two.fd()));
    UsersFile users{one.fd(), one.path()};
    REQUIRE(users.load().empty());
    CHECK(users.size() == 0);
    CHECK(users.realm().size() == 32);
    CHECK_FALSE(users.pick(7));
    CHECK(one.read("users.db") != two.read("users.db"));
    struct stat status {};
    REQUIRE(::fstatat(one.fd(), "users.db", &status, 0) == 0);
    CHECK((status.st_mode & 07777) == 0600);

    const std::string made = one.read("users.db");
    REQUIRE(ensure_users_file(one.fd()));
    CHECK(one.read("users.db") == made);
    CHECK(one.names() == std::vector<std::string>{"users.db"});
}

TEST_CASE("a users file that others can read is refused with the command that mends it")
{
    Data data{"realm r\n"};
    data.put("realm r\n", 0640);
    UsersFile users = data.open();
    const auto problems = users.load();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].where == "users.db");
    CHECK_THAT(problems[0].what, test::contains("chmod 600 " + data.path("users.db")));
    CHECK_THAT(problems[0].what, test::contains("chown "));
    CHECK_FALSE(users.table());
}

TEST_CASE("a missing users file is a problem of its own")
{
    const TemporaryDirectory data;
    UsersFile users{data.fd(), data.path()};
    const auto problems = users.load();
    REQUIRE(problems.size() == 1);
    CHECK_THAT(problems[0].what, test::contains("there is none"));
}

TEST_CASE("a users file that has become broken leaves the last good table in force")
{
    Data data{text_with(user_line(user("alice")))};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    const auto snapshot = users.table();
    data.put("realm r\nuser bob\n");
    CHECK(users.load().at(0).where == "users.db:2");
    CHECK(users.table() == snapshot);
    CHECK(users.find("alice"));
    data.put(text_with(user_line(user("bob"))));
    CHECK(users.load().empty());
    CHECK_FALSE(users.find("alice"));
    CHECK(users.find("bob"));
    CHECK(snapshot->find("alice"));
}

TEST_CASE("a load of an unchanged file keeps the table")
{
    Data data{"realm r\n"};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    const auto before = users.table();
    REQUIRE(users.load().empty());
    CHECK(users.table() == before);
}

TEST_CASE("a users file is not read while somebody holds the lock, and is read with others who read")
{
    using UsedBy = UsersFile::UsedBy;
    const Data data{"realm r\n"};
    UsersFile users = data.open();
    UniqueFd lock{::openat(data.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
    CHECK(users.try_load().used_by == UsedBy::holder_of_lock);
    CHECK(users.try_load(true).used_by == UsedBy::holder_of_lock);
    CHECK_FALSE(users.table());
    REQUIRE(::flock(lock.get(), LOCK_SH) == 0);
    CHECK(users.try_load().used_by == UsedBy::nobody);
    CHECK(users.table());
}

TEST_CASE("a users file is not read while somebody has it open for writing, unless that is meant")
{
    using UsedBy = UsersFile::UsedBy;
    const Data data{"realm r\n"};
    UsersFile users = data.open();
    UniqueFd writer{::openat(data.fd(), users_file_name, O_RDWR | O_CLOEXEC)};
    CHECK(users.try_load().used_by == UsedBy::writer);
    CHECK_FALSE(users.table());
    CHECK(users.try_load(true).used_by == UsedBy::nobody);
    CHECK(users.table());
    writer.reset();
    CHECK(users.try_load().used_by == UsedBy::nobody);
    const UniqueFd reader{::openat(data.fd(), users_file_name, O_RDONLY | O_CLOEXEC)};
    CHECK(users.try_load().used_by == UsedBy::nobody);
}

TEST_CASE("root without CAP_LEASE sees a writer of the users file of another user")
{
    if (::geteuid() != 0) {
        WARN("skipped: files of others need root");
        return;
    }
    const Data data{"realm r\n"};
    REQUIRE(::chown(data.path("users.db").c_str(), test::nobody, test::nobody) == 0);
    const auto used_by = [&data] {
        return test::in_child([&data] {
            drop_cap_lease();
            const bool writer = data.open().try_load().used_by == UsersFile::UsedBy::writer;
            if (::setfsuid(static_cast<uid_t>(-1)) != 0) return "no longer root"; // this only asks
            return writer ? "writer" : "nobody";
        });
    };
    UniqueFd writer{::openat(data.fd(), users_file_name, O_RDWR | O_CLOEXEC)};
    CHECK(used_by() == "writer");
    writer.reset();
    CHECK(used_by() == "nobody");
}

TEST_CASE("a users file is not replaced while somebody has it open for writing")
{
    const std::string text = text_with(user_line(user("alice")));
    const Data data{text};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    UniqueFd writer{::openat(data.fd(), users_file_name, O_RDWR | O_CLOEXEC)};
    CHECK(users.renew_password_hash("alice", hash, other_hash).error() ==
          boost::system::errc::operation_would_block);
    CHECK_THAT(users.edit(adding("bob")).at(0).what, test::contains("somebody is writing it"));
    CHECK(data.read("users.db") == text);
    writer.reset();
    CHECK(users.edit(adding("bob")).empty());
    CHECK(users.renew_password_hash("alice", hash, other_hash).value());
}

TEST_CASE("at the start a users file that somebody is changing is read as it is after a while")
{
    const Data data{"realm r\n"};
    UsersFile users = data.open();
    const UniqueFd writer{::openat(data.fd(), users_file_name, O_RDWR | O_CLOEXEC)};
    CHECK(users.load_within(std::chrono::milliseconds{20}).empty());
    CHECK(users.table());
}

TEST_CASE("an edit is on disk, in force after a load, private, and leaves no other file behind")
{
    Data data{"# kept\nrealm r\n"};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    REQUIRE(users.edit(adding("alice")).empty());
    REQUIRE(users.load().empty());
    CHECK(users.find("alice") == user("alice"));
    CHECK(data.read("users.db") == "# kept\nrealm r\n" + user_line(user("alice")) + "\n");
    CHECK(data.names() == std::vector<std::string>{"users.db"});
    struct stat status {};
    REQUIRE(::fstatat(data.fd(), "users.db", &status, 0) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("an edit sees the file as it is, not as it was loaded")
{
    Data data{"realm r\n"};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    data.put(text_with(user_line(user("bob"))));
    REQUIRE(users.edit(adding("alice")).empty());
    REQUIRE(users.load().empty());
    CHECK(users.find("bob"));
    CHECK(users.find("alice"));
}

TEST_CASE("an edit that decides against a change, breaks the file, or finds it broken changes nothing")
{
    const std::string good = text_with(user_line(user("alice")));
    Data data{good};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    const auto refused =
        users.edit([](const UsersTable&) -> UsersFile::Edited { return UsersFile::NoChange{"not today"}; });
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].what == "not today");
    CHECK_THAT(users.edit(adding("alice")).at(0).what, test::contains("a user alice already"));
    CHECK(data.read("users.db") == good);

    data.put("realm r\nbroken\n");
    CHECK(users.edit(adding("bob")).at(0).where == "users.db:2");
    CHECK(data.read("users.db") == "realm r\nbroken\n");
}

TEST_CASE("other effects of a change are undone when the file is not written, and only then")
{
    Data data{"realm r\n"};
    data.write(".users.db.0123456789abcdef", "of a writer that was killed");
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    int undone = 0;
    const auto undo = [&undone] { ++undone; };
    REQUIRE(users.edit(adding("alice"), undo).empty());
    CHECK(undone == 0);
    CHECK(data.names() == std::vector<std::string>{"users.db"});
    const auto breaking = [](const UsersTable&) -> UsersFile::Edited {
        return UsersChange{0, 0, "nonsense\n"};
    };
    CHECK_FALSE(users.edit(breaking, undo).empty());
    CHECK(undone == 1);
    const auto refusing = [](const UsersTable&) -> UsersFile::Edited { return UsersFile::NoChange{"no"}; };
    CHECK_FALSE(users.edit(refusing, undo).empty());
    CHECK(undone == 1);
}

TEST_CASE("edits from many threads at once are all kept")
{
    const Data data{"realm r\n"};
    constexpr int threads = 4;
    constexpr int each = 5;
    std::vector<std::thread> writers;
    for (int t = 0; t < threads; ++t)
        writers.emplace_back([&data, t] {
            UsersFile users = data.open();
            for (int i = 0; i < each; ++i)
                (void)users.edit(adding(std::string{"u"}.append(std::to_string(t * each + i))));
        });
    for (std::thread& writer : writers)
        writer.join();
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    CHECK(users.size() == threads * each);
}

TEST_CASE("a hash is renewed only if it still is the expected one, and without touching the rest")
{
    User alice = user("alice");
    alice.generation = 77;
    alice.locked = true;
    Data data{"realm r\n# before\n" + user_line(alice) + "\n# after\n"};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    CHECK(users.renew_password_hash("alice", hash, other_hash).value());
    CHECK_FALSE(users.renew_password_hash("alice", hash, hash).value());
    CHECK_FALSE(users.renew_password_hash("bob", hash, other_hash).value());
    alice.password_hash = other_hash;
    CHECK(data.read("users.db") == "realm r\n# before\n" + user_line(alice) + "\n# after\n");
    REQUIRE(users.load().empty());
    CHECK(users.find("alice") == alice);
}

TEST_CASE("a hash is not renewed, and nobody waits, while somebody else holds the lock")
{
    Data data{text_with(user_line(user("alice")))};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    const UniqueFd editor{::open(data.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    REQUIRE(::flock(editor.get(), LOCK_EX) == 0);
    CHECK(users.renew_password_hash("alice", hash, other_hash).error() ==
          boost::system::errc::operation_would_block);
    REQUIRE(::flock(editor.get(), LOCK_UN) == 0);
    CHECK(users.renew_password_hash("alice", hash, other_hash).value());
}

TEST_CASE("a hash in a broken file is not renewed")
{
    Data data{"realm r\n"};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    data.put("nonsense\n");
    CHECK_FALSE(users.renew_password_hash("alice", hash, other_hash).has_value());
    CHECK(data.read("users.db") == "nonsense\n");
}

TEST_CASE("any number picks a user")
{
    Data data{"realm r\n" + user_line(user("a")) + "\n" + user_line(user("b")) + "\n"};
    UsersFile users = data.open();
    REQUIRE(users.load().empty());
    CHECK(users.pick(0)->name == "a");
    CHECK(users.pick(1)->name == "b");
    CHECK(users.pick(~0ULL)->name == "b");
}

TEST_CASE("users.db.example parses, and its user has the password that it documents")
{
    std::ifstream file{std::string{FTPC_SOURCE_DIR} + "/users.db.example"};
    std::ostringstream text;
    text << file.rdbuf();
    const auto parsed = UsersTable::parse(text.str());
    for (const Problem& problem : parsed.problems)
        UNSCOPED_INFO(problem.where << ": " << problem.what);
    REQUIRE(parsed.table);
    const std::string password = "correct horse battery staple";
    CHECK_THAT(text.str(), test::contains("with the password        " + password + "\n"));
    const auto alice = parsed.table->find("alice");
    REQUIRE(alice);
    const auto stored = parse_password_hash(alice->password_hash);
    REQUIRE(stored);
    CHECK_FALSE(alice->locked);
    CHECK(verify_password(prehash(password, parsed.table->realm(), "alice"), *stored, Pepper{}));
    CHECK_FALSE(verify_password(prehash(password + " ", parsed.table->realm(), "alice"), *stored, Pepper{}));
}
