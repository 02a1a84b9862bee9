#include "client/commands/listing_conversation.hpp"

#include "client/outcome.hpp"
#include "support/catch.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::client;
using ftpc::test::contains;

using State = ListingConversation::State;

namespace {

RemotePath path(const char* text)
{
    return *RemotePath{}.resolve(text);
}

// The failure of a listing of /a whose lines, behind that of /a itself, are `lines`.
Failure failure_of(const std::string& lines, unsigned depth = 1)
{
    ListingConversation listing{"host:21", path("a"), depth};
    const auto state = listing.on_reply({250, "\"/a\"\ntype=dir; /a\n" + lines + "\nEnd"});
    REQUIRE(state.has_error());
    return state.error();
}

} // namespace

TEST_CASE("the command names depth and absolute path")
{
    CHECK(ListingConversation{"", path("a/../b c"), 1}.command() == "SITE MLSD 1 /b c");
    CHECK(ListingConversation{"", {}, 32}.command() == "SITE MLSD 32 /");
}

TEST_CASE("a listing is put together from its parts")
{
    ListingConversation listing{"host:21", path("a"), 3};
    CHECK(*listing.on_reply({150, "\"/a\"\ntype=dir; /a\ntype=dir; b\nMore follows."}) == State::more);
    CHECK(*listing.on_reply({150, "\"/a\"\ntype=dir; b/c\nMore follows."}) == State::more);
    CHECK(*listing.on_reply({250, "\"/a\"\ntype=file;size=1; b/c/d\ntype=dir; b/e\ntype=file; f\nEnd"}) ==
          State::complete);
    const Listed& top = listing.top();
    CHECK(top.name == "a");
    REQUIRE(top.children.size() == 2);
    const Listed& b = top.children[0];
    CHECK(b.name == "b");
    REQUIRE(b.children.size() == 2);
    CHECK(b.children[0].name == "c");
    REQUIRE(b.children[0].children.size() == 1);
    CHECK(b.children[0].children[0].name == "d");
    CHECK(b.children[0].children[0].facts.size == 1);
    CHECK(b.children[1].name == "e");
    CHECK(top.children[1].name == "f");
    CHECK(listing.left_out().empty());
}

TEST_CASE("a listing may end with a reply that brings nothing, and with words about names left out")
{
    ListingConversation listing{"host:21", {}, 1};
    CHECK(*listing.on_reply({150, "\"/\"\ntype=dir; /\ntype=dir; b\nMore follows."}) == State::more);
    CHECK(*listing.on_reply({250, "End; 2 names cannot be \x1b[2Jshown."}) == State::complete);
    CHECK(listing.top().children.size() == 1);
    CHECK(listing.left_out() == "2 names cannot be \\x1b[2Jshown");
}

TEST_CASE("a file is listed as itself")
{
    ListingConversation listing{"host:21", path("/a/b.txt"), 1};
    CHECK(*listing.on_reply({250, "\"/a/b.txt\"\ntype=file;size=3; /a/b.txt\nEnd"}) == State::complete);
    CHECK(listing.top().name == "b.txt");
    CHECK_FALSE(listing.top().is_directory());
}

TEST_CASE("a refusal has the server's words, also behind parts of the listing")
{
    ListingConversation listing{"host:21", path("a"), 1};
    CHECK(*listing.on_reply({150, "\"/a\"\ntype=dir; /a\nMore follows."}) == State::more);
    CHECK(*listing.on_reply({550, "No such file or \x1b[2Jdirectory"}) == State::refused);
    CHECK(listing.reason() == "No such file or \\x1b[2Jdirectory");
    CHECK(listing.code() == 550);
}

TEST_CASE("a server without the command is named so")
{
    for (const int code : {500, 502, 504}) {
        ListingConversation listing{"host:21", path("a"), 1};
        const auto state = listing.on_reply({code, "what?"});
        REQUIRE(state.has_error());
        CHECK(state.error().status == ExitStatus::unreachable);
        CHECK(contains(state.error().message, "host:21 cannot list directories for ftpc"));
        CHECK(contains(state.error().message, std::to_string(code) + " what?"));
    }
}

TEST_CASE("names that lead elsewhere than into the listed directory are refused")
{
    for (const char* const name :
         {"..", ".", "../b", "/etc", "/", "//etc", "b/../../etc", "./b", "b/", "/a/b", "", "c/b"}) {
        CAPTURE(name);
        const Failure failure = failure_of("type=dir; b\ntype=dir; " + std::string{name}, 32);
        CHECK(failure.status == ExitStatus::unreachable);
        CHECK(contains(failure.message, "host:21 does not keep to the protocol"));
    }
}

TEST_CASE("names that no directory of the server may hold are refused")
{
    for (const std::string& name : {std::string{"a\rb"}, std::string{"\x1b[2J"}, std::string{"\xff"},
                                    std::string("a\0b", 3), std::string{"\xC2\x9B"}, std::string(256, 'x')}) {
        const Failure failure = failure_of("type=dir; " + name);
        CHECK(failure.status == ExitStatus::unreachable);
        CHECK_FALSE(contains(failure.message, "\x1b"));
    }
}

TEST_CASE("entries deeper than was asked for are refused, and so are entries of a file")
{
    CHECK(contains(failure_of("type=dir; b\ntype=dir; b/c").message, "'b/c', which was not asked for"));
    CHECK(contains(failure_of("type=dir; b\ntype=dir; b/c\ntype=dir; b/c/d", 2).message, "'b/c/d'"));
    CHECK(contains(failure_of("type=file; b\ntype=dir; b/c", 32).message, "'b/c'"));
    ListingConversation listing{"host:21", path("a"), 1};
    CHECK(listing.on_reply({250, "\"/a\"\ntype=file; /a\ntype=file; b\nEnd"}).has_error());
    ListingConversation itself{"host:21", path("a"), 0};
    CHECK(itself.on_reply({250, "\"/a\"\ntype=dir; /a\ntype=file; b\nEnd"}).has_error());
}

TEST_CASE("entries follow directly behind their directory")
{
    CHECK(contains(failure_of("type=dir; b\ntype=dir; c\ntype=dir; b/d", 32).message, "'b/d'"));
}

TEST_CASE("the listing of another path than was asked for is refused")
{
    for (const char* const other : {"/b", "a", "/", "/a/", "/a/../a"}) {
        ListingConversation listing{"host:21", path("a"), 1};
        const auto state = listing.on_reply({250, "\"/a\"\ntype=dir; " + std::string{other} + "\nEnd"});
        REQUIRE(state.has_error());
        CHECK(state.error().status == ExitStatus::unreachable);
    }
}

TEST_CASE("lines that are not understood are named, and cannot drive a terminal")
{
    const Failure failure = failure_of("type=dir;size=\x1b[2J; b");
    CHECK(failure.status == ExitStatus::unreachable);
    CHECK(contains(failure.message, "a listing with the line 'type=dir;size=\\x1b[2J; b'"));
}

TEST_CASE("replies that are no listing break the protocol")
{
    for (const Reply& reply :
         {Reply{250, "End"}, Reply{250, "\"/a\"\nEnd"}, Reply{257, "\"/a\" made"}, Reply{331, "Password"},
          Reply{150, "More follows."}, Reply{150, "\"/a\"\nMore follows."}, Reply{125, "\"/a\"\nx\ny"}}) {
        ListingConversation listing{"host:21", path("a"), 1};
        const auto state = listing.on_reply(reply);
        REQUIRE(state.has_error());
        CHECK(state.error().status == ExitStatus::unreachable);
    }
}

TEST_CASE("a server that goes on without bringing an entry does not keep ftpc")
{
    ListingConversation listing{"host:21", path("a"), 1};
    REQUIRE(*listing.on_reply({150, "\"/a\"\ntype=dir; /a\nMore follows."}) == State::more);
    CHECK(listing.on_reply({150, "\"/a\"\nMore follows."}).has_error());
}

TEST_CASE("a listing is given up when it is too large to be held")
{
    constexpr std::size_t held_bytes = 100'000;
    ListingConversation listing{"host:21", path("a"), 1, held_bytes};
    REQUIRE(*listing.on_reply({150, "\"/a\"\ntype=dir; /a\nMore follows."}) == State::more);
    std::size_t bytes = 0;
    while (true) {
        const std::string name(250, 'x');
        const auto state = listing.on_reply({150, "\"/a\"\ntype=dir; " + name + "\nMore follows."});
        if (!state) {
            CHECK(state.error().status == ExitStatus::failed);
            CHECK(contains(state.error().message, "the listing of /a is too large to be sorted"));
            break;
        }
        bytes += name.size();
        REQUIRE(bytes < held_bytes);
    }
}

TEST_CASE("a listing of many directories within directories is put together and sorted")
{
    ListingConversation listing{"host:21", {}, 32};
    std::string text = "\"/\"\ntype=dir; /\n";
    std::string name = "d";
    for (int level = 1; level <= 32; ++level, name += "/d")
        text += "type=dir; " + name + "\n";
    CHECK(*listing.on_reply({250, text + "type=dir; .c\ntype=dir; b\nEnd"}) == State::complete);
    arrange(listing.top(), false);
    REQUIRE(listing.top().children.size() == 2);
    CHECK(listing.top().children[0].name == "b");
    const Listed* entry = &listing.top().children[1];
    int levels = 1;
    for (; !entry->children.empty(); ++levels)
        entry = &entry->children.front();
    CHECK(levels == 32);
}
