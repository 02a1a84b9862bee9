#include "client/commands/path_source.hpp"

#include "shared/base/unique_fd.hpp"
#include "support/catch.hpp"

#include <unistd.h>

#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::client;

namespace {

struct Pipe {
    Pipe()
    {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        out = UniqueFd{ends[0]};
        in = UniqueFd{ends[1]};
    }
    void write(const std::string& text) const
    {
        REQUIRE(::write(in.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    UniqueFd out;
    UniqueFd in;
};

std::vector<std::string> all_of(PathSource& source)
{
    std::vector<std::string> paths;
    while (!source.exhausted()) {
        if (const auto path = source.next())
            paths.push_back(path->text);
        else if (source.needs_input())
            REQUIRE(source.read_input());
    }
    return paths;
}

} // namespace

TEST_CASE("without '-' the input is left alone")
{
    PathSource source{{"a", "b"}, -1, '\n'};
    CHECK(all_of(source) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a list on the input stands where '-' stands, and a second '-' finds nothing more")
{
    Pipe pipe;
    pipe.write("x\ny y\n");
    pipe.in.reset();
    PathSource source{{"a", "-", "b", "-"}, pipe.out.get(), '\n'};
    CHECK(all_of(source) == std::vector<std::string>{"a", "x", "y y", "b"});
}

TEST_CASE("the last path of a list may end with the input, and empty ones are given out")
{
    Pipe pipe;
    pipe.write("x\n\nlast");
    pipe.in.reset();
    PathSource source{{"-"}, pipe.out.get(), '\n'};
    CHECK(all_of(source) == std::vector<std::string>{"x", "", "last"});
}

TEST_CASE("a list parted by NUL may have line ends in its paths")
{
    Pipe pipe;
    pipe.write(std::string{"a\nb\0c\0", 6});
    pipe.in.reset();
    PathSource source{{"-"}, pipe.out.get(), '\0'};
    CHECK(all_of(source) == std::vector<std::string>{"a\nb", "c"});
}

TEST_CASE("paths are given out as they come, over pieces of any size")
{
    Pipe pipe;
    PathSource source{{"-"}, pipe.out.get(), '\n'};
    CHECK_FALSE(source.next());
    CHECK(source.needs_input());
    CHECK_FALSE(source.input_ready());
    pipe.write("on");
    REQUIRE(source.input_ready());
    REQUIRE(source.read_input());
    CHECK_FALSE(source.next());
    pipe.write("e\ntw");
    REQUIRE(source.read_input());
    CHECK(source.next()->text == "one");
    CHECK_FALSE(source.next());
    CHECK_FALSE(source.exhausted());
    pipe.write("o\n");
    pipe.in.reset();
    REQUIRE(source.read_input());
    CHECK(source.next()->text == "two");
    REQUIRE(source.read_input());
    CHECK_FALSE(source.next());
    CHECK(source.exhausted());
}

TEST_CASE("an endless line takes bounded memory and is not taken for a path")
{
    Pipe pipe;
    PathSource source{{"-"}, pipe.out.get(), '\n'};
    CHECK_FALSE(source.next());
    const std::string piece(32768, 'x');
    for (std::size_t bytes = 0; bytes <= 2 * PathSource::max_listed_bytes; bytes += piece.size()) {
        pipe.write(piece);
        REQUIRE(source.read_input());
    }
    pipe.write("\nnext\n");
    REQUIRE(source.read_input());
    const auto cut_off = source.next();
    CHECK_FALSE(cut_off->whole);
    CHECK(cut_off->text.size() == PathSource::max_listed_bytes);
    const auto after = source.next();
    CHECK(after->whole);
    CHECK(after->text == "next");
}

TEST_CASE("an input that cannot be read ends the list with an error")
{
    PathSource source{{"-", "b"}, -1, '\n'};
    CHECK_FALSE(source.next());
    CHECK_FALSE(source.read_input());
    CHECK(all_of(source) == std::vector<std::string>{"b"});
}
