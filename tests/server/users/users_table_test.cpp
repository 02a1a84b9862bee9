#include "server/users/users_table.hpp"

#include "server/users/user_line.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

const std::string hash =
    "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$86NJHg9XBxSGJYVgIgkOmRCssPtv4CYnTZX/8quMHmM";

std::string line(const std::string& name)
{
    return "user " + name + " " + hash + " " + name + "\n";
}

std::shared_ptr<const UsersTable> table(const std::string& text)
{
    auto parsed = UsersTable::parse(text);
    for (const Problem& problem : parsed.problems)
        UNSCOPED_INFO(problem.where << ": " << problem.what);
    REQUIRE(parsed.table);
    REQUIRE(parsed.problems.empty());
    return parsed.table;
}

std::vector<std::string> problems(const std::string& text)
{
    const auto parsed = UsersTable::parse(text);
    CHECK_FALSE(parsed.table);
    std::vector<std::string> found;
    for (const Problem& problem : parsed.problems)
        found.push_back(problem.where + ": " + problem.what);
    return found;
}

User user(const std::string& name)
{
    return {.name = name, .password_hash = hash, .home = name, .max_dirs = {}};
}

} // namespace

TEST_CASE("users are found by name, in any order in the file")
{
    const auto users =
        table("# users\n\nrealm r\n" + line("bob") + "\t# more\n" + line("alice") + line("alicea"));
    CHECK(users->realm() == "r");
    CHECK(users->size() == 3);
    CHECK(users->find("bob")->home == "bob");
    CHECK(users->find("alice")->home == "alice");
    CHECK(users->find("alicea")->home == "alicea");
    for (const char* unknown : {"", "a", "alic", "aliceb", "zoe", "user", "realm"})
        CHECK_FALSE(users->find(unknown));
}

TEST_CASE("names that share their first eight characters are told apart")
{
    std::string text = "realm r\n";
    for (const char* name : {"abcdefghz", "abcdefgh", "abcdefgha", "abcdefg", "abcdefghaa"})
        text += line(name);
    const auto users = table(text);
    for (const char* name : {"abcdefghz", "abcdefgh", "abcdefgha", "abcdefg", "abcdefghaa"})
        CHECK(users->find(name)->name == name);
    CHECK_FALSE(users->find("abcdefghb"));
}

TEST_CASE("users come in the order of their names")
{
    const auto users = table("realm r\n" + line("c") + line("a") + line("b"));
    CHECK(users->at(0).name == "a");
    CHECK(users->at(1).name == "b");
    CHECK(users->at(2).name == "c");
}

TEST_CASE("a file may have no users, but must have a realm")
{
    CHECK(table("realm r\n")->size() == 0);
    CHECK_FALSE(table("realm r\n")->find("alice"));
    CHECK(problems("") == std::vector<std::string>{"users.db:1: there is no realm line"});
    CHECK(problems("# nothing\n\n") == std::vector<std::string>{"users.db:2: there is no realm line"});
}

TEST_CASE("every problem of a file is reported with its line")
{
    const auto found =
        problems("realm r\n"
                 "usr alice\n" +
                 line("alice") + "user bob\n" + line("carol") + line("alice") + "realm s\n" + "#" +
                 std::string(2047, 'x') + "\n" + "#" + std::string(2048, 'x') + "\n" + line("carol"));
    REQUIRE(found.size() == 6);
    CHECK(found[0] == "users.db:2: 'usr' is neither realm nor user");
    CHECK(found[1] == "users.db:4: not of the form: user NAME HASH HOME [OPTIONS]");
    CHECK(found[2] == "users.db:6: user alice is already on line 3");
    CHECK(found[3] == "users.db:7: there is a realm line already");
    CHECK(found[4] == "users.db:9: the line is longer than 2048 bytes");
    CHECK(found[5] == "users.db:10: user carol is already on line 5");
}

TEST_CASE("a realm line comes before the first user and has one good name")
{
    CHECK(problems(line("alice") + "realm r\n") ==
          std::vector<std::string>{"users.db:1: the realm line must come before the first user"});
    for (const char* realm : {"realm\n", "realm a b\n", "realm a.b\n"})
        CHECK_THAT(problems(realm).at(0), test::starts_with("users.db:1: not of the form: realm NAME"));
}

TEST_CASE("a file that was cut short in its last line is refused wherever the cut is")
{
    const std::string text = "realm r\n" + line("alice");
    for (std::size_t size = 0; size < text.size(); ++size) {
        if (size == 8) continue; // whole lines: a file without users
        CHECK_FALSE(UsersTable::parse(text.substr(0, size)).table);
    }
    CHECK_THAT(problems(text.substr(0, text.size() - 1)).at(0), test::contains("truncated"));
}

TEST_CASE("a file of nothing but mistakes does not make an endless list of problems")
{
    std::string text;
    for (int i = 0; i < 5000; ++i)
        text += "x\n";
    const auto found = problems(text);
    CHECK(found.size() == 1001);
    CHECK_THAT(found.back(), test::contains("further problems"));
}

TEST_CASE("adding a user appends one line")
{
    const std::string text = "# a\nrealm r\n" + line("bob") + "# b\n";
    const auto users = table(text);
    CHECK(users->text_with(users->adding(user("alice"))) == text + user_line(user("alice")) + "\n");
}

TEST_CASE("replacing and removing a user leaves every other byte as it was")
{
    const std::string before = "# a\n\n  realm\tr  \n" + line("bob") + "# about alice\n\t";
    const std::string alice = "user   alice \t" + hash + " alice locked\n";
    const std::string after = "\n# end\n" + line("carol");
    const auto users = table(before + alice + after);
    // The tab before `user` is part of alice's line.
    const std::string kept = before.substr(0, before.size() - 1);
    CHECK(users->text_with(users->replacing(user("alice"))) ==
          kept + user_line(user("alice")) + "\n" + after);
    CHECK(users->text_with(users->removing("alice")) == kept + after);
}

TEST_CASE("a change that would break the file is objected to")
{
    const auto users = table("realm r\n" + line("alice") + line("bob"));
    CHECK(users->objection_to(users->adding(user("carol"))).empty());
    CHECK(users->objection_to(users->replacing(user("bob"))).empty());
    CHECK(users->objection_to(users->removing("alice")).empty());
    CHECK_THAT(users->objection_to(users->adding(user("bob"))), test::contains("a user bob already"));
    auto renamed = users->replacing(user("alice"));
    renamed.line = line("bob");
    CHECK_THAT(users->objection_to(renamed), test::contains("a user bob already"));
    renamed.line = line("carol");
    CHECK(users->objection_to(renamed).empty());

    const std::size_t end = users->text().size();
    CHECK_THAT(users->objection_to({end, 0, "nonsense\n"}), test::contains("not of the form"));
    CHECK_THAT(users->objection_to({end, 0, line("carol") + line("dave")}), test::contains("not one line"));
    std::string unfinished = line("carol");
    unfinished.pop_back();
    CHECK_THAT(users->objection_to({end, 0, unfinished}), test::contains("not one line"));
    const std::string padded = line("carol").insert(4, std::string(2048, ' '));
    CHECK_THAT(users->objection_to({end, 0, padded}), test::contains("longer than 2048"));
}

TEST_CASE("the first line of a file can be changed")
{
    const std::string text = "realm r\n" + line("alice");
    const auto users = table(text);
    CHECK(users->text_with(users->removing("alice")) == "realm r\n");
}
