#include "shared/protocol/remote_path.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <string>

using namespace ftpc;
using namespace std::string_literals;

namespace {

RemotePath path(std::string_view text)
{
    const auto resolved = RemotePath{}.resolve(text);
    REQUIRE(resolved);
    return *resolved;
}

std::string from(std::string_view directory, std::string_view argument)
{
    const auto resolved = path(directory).resolve(argument);
    REQUIRE(resolved);
    return std::string{resolved->text()};
}

error_code refusal(std::string_view argument)
{
    return RemotePath{}.resolve(argument).error();
}

std::string repeated(std::string_view text, int times)
{
    std::string out;
    for (int i = 0; i < times; ++i)
        out += text;
    return out;
}

} // namespace

TEST_CASE("a path without a slash in front is meant from the working directory")
{
    CHECK(from("/", "a") == "/a");
    CHECK(from("/a", "b/c") == "/a/b/c");
    CHECK(from("/a", "/b") == "/b");
    CHECK(from("/a", "/") == "/");
}

TEST_CASE("repeated slashes, slashes at the end and dots mean nothing")
{
    CHECK(from("/", "//a///b//") == "/a/b");
    CHECK(from("/a", "./b/./") == "/a/b");
    CHECK(from("/a", ".") == "/a");
    CHECK(from("/", "///") == "/");
}

TEST_CASE("two dots lead up by words and never above the home")
{
    CHECK(from("/a/b", "..") == "/a");
    CHECK(from("/a", "../..") == "/");
    CHECK(from("/a", "../../../b") == "/b");
    CHECK(from("/", "..") == "/");
    CHECK(from("/", "../../etc/passwd") == "/etc/passwd");
    CHECK(from("/a", "b/../../c") == "/c");
    CHECK(from("/a", "/../../b/..") == "/");
}

TEST_CASE("names that only look like dots or home are ordinary")
{
    CHECK(from("/", "...") == "/...");
    CHECK(from("/", "..a") == "/..a");
    CHECK(from("/", "~") == "/~");
    CHECK(from("/", "a\\..\\b") == "/a\\..\\b");
    CHECK(from("/", " a ") == "/ a ");
    CHECK(from("/", "-rf") == "/-rf");
    CHECK(from("/", "资料/图片") == "/资料/图片");
}

TEST_CASE("an empty argument names nothing")
{
    CHECK(refusal("") == Errc::bad_argument);
}

TEST_CASE("control characters and broken UTF-8 are refused anywhere in a path")
{
    for (const auto& text : {"a\0b"s, "a\nb"s, "\r"s, "a/\x1b/b"s, "\x7f"s, "a\xc2\x85"s})
        CHECK(refusal(text) == Errc::control_character);
    for (const auto& text : {"\xff"s, "a/\xc0\xaf"s, "a\xe4\xb8"s, "\xed\xa0\x80"s, "\xc0\xae\xc0\xae/"s})
        CHECK(refusal(text) == Errc::not_utf8);
}

TEST_CASE("a name has at most 255 bytes")
{
    CHECK(path(std::string(255, 'x')).name().size() == 255);
    CHECK(refusal(std::string(256, 'x')) == Errc::name_too_long);
    CHECK(refusal("a/" + std::string(256, 'x') + "/b") == Errc::name_too_long);
    CHECK(path(repeated("图", 85)).name().size() == 255);
    CHECK(refusal(repeated("图", 86)) == Errc::name_too_long);
}

TEST_CASE("a path has at most 4,096 bytes in all, working directory included")
{
    const std::string longest = repeated("/" + std::string(255, 'x'), 16);
    CHECK(path(longest).text().size() == 4096);
    CHECK(refusal(longest + "/y") == Errc::name_too_long);
    CHECK(path(longest).resolve("y").error() == Errc::name_too_long);
    CHECK(path(longest).resolve("../y"));
    CHECK(path(repeated("a/../", 1600) + "b").text() == "/b");
}

TEST_CASE("the parts of a path: its name, its parent, and itself without the leading slash")
{
    const auto deep = path("/a/b/c");
    CHECK(deep.name() == "c");
    CHECK(deep.parent() == path("/a/b"));
    CHECK(deep.relative() == "a/b/c");
    CHECK(!deep.is_home());
    CHECK(path("/a").parent().is_home());
    CHECK(deep.relative_parent() == "a/b");
    CHECK(path("/a").relative_parent().empty());
}

TEST_CASE("the home has no name and is its own parent")
{
    const RemotePath home;
    CHECK(home.is_home());
    CHECK(home.text() == "/");
    CHECK(home.name().empty());
    CHECK(home.relative().empty());
    CHECK(home.relative_parent().empty());
    CHECK(home.parent() == home);
    CHECK(path("/a/..") == home);
}

TEST_CASE("a quoted path has its quotes doubled")
{
    std::string out = "257 ";
    append_quoted(out, "/a\"b\"\"c");
    CHECK(out == "257 \"/a\"\"b\"\"\"\"c\"");
    out.clear();
    append_quoted(out, "");
    CHECK(out == "\"\"");
}
