#include "client/commands/listing_text.hpp"

#include "support/catch.hpp"

#include <sstream>

using namespace ftpc::client;

namespace {

std::string mode(EntryKind kind, std::optional<unsigned> bits)
{
    return mode_text({kind, {}, {}, bits});
}

std::string put(const Listed& entry, bool colours)
{
    std::ostringstream out;
    put_name(out, entry, colours);
    return out.str();
}

} // namespace

TEST_CASE("permissions are shown as ls shows them")
{
    CHECK(mode(EntryKind::directory, 0755) == "drwxr-xr-x");
    CHECK(mode(EntryKind::file, 0640) == "-rw-r-----");
    CHECK(mode(EntryKind::directory, 01777) == "drwxrwxrwt");
    CHECK(mode(EntryKind::directory, 02770) == "drwxrws---");
    CHECK(mode(EntryKind::file, 07000) == "---S--S--T");
    CHECK(mode(EntryKind::file, 04755) == "-rwsr-xr-x");
    CHECK(mode(EntryKind::other, {}) == "??????????");
}

TEST_CASE("a directory ends with a slash and is coloured, a file is neither")
{
    const Listed directory{"a", {EntryKind::directory, {}, {}, {}}, {}};
    const Listed file{"b", {EntryKind::file, {}, {}, {}}, {}};
    CHECK(put(directory, false) == "a/");
    CHECK(put(directory, true) == "\x1b[1;34ma\x1b[0m/");
    CHECK(put(file, true) == "b");
    CHECK(put({"/", directory.facts, {}}, false) == "/");
}

TEST_CASE("a name cannot drive a terminal, with colours or without")
{
    const Listed entry{"\x1b[31m\xE2\x80\xAE", {EntryKind::directory, {}, {}, {}}, {}};
    CHECK(put(entry, false) == "\\x1b[31m\\xe2\\x80\\xae/");
    CHECK(put(entry, true) == "\x1b[1;34m\\x1b[31m\\xe2\\x80\\xae\x1b[0m/");
}
