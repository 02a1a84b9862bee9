#include "server/directories/tree_marker.hpp"

#include "shared/base/unique_fd.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
namespace fs = std::filesystem;

namespace {

struct TreeMarkerTest {
    test::TemporaryDirectory data;
    test::TemporaryDirectory top;
    TreePlace place{data.fd(), data.path(), "/srv/tree"};

    UniqueFd directory(const std::string& name) const
    {
        fs::create_directory(top.path(name));
        return UniqueFd{::open(top.path(name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
    std::string recognized(const UniqueFd& tree) const
    {
        try {
            return recognize_tree(place, tree.get(), std::nullopt);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
    }
    fs::path marker(const std::string& name) const { return top.path(name) + "/" + tree_marker_name; }
};

} // namespace

TEST_CASE_METHOD(TreeMarkerTest,
                 "a tree is known from its first use on, and another directory is not taken for it")
{
    const UniqueFd tree = directory("tree");
    const UniqueFd beneath = directory("beneath");
    CHECK(tree_problem(place, tree.get()).empty());
    CHECK_FALSE(fs::exists(marker("tree")));
    CHECK(recognized(tree).empty());
    CHECK(recognized(tree).empty());
    CHECK(tree_problem(place, tree.get()).empty());
    CHECK_THAT(recognized(beneath), test::contains("seems not to be mounted"));
    CHECK_THAT(recognized(beneath), test::contains("rm " + data.path() + "/trees"));
    CHECK_FALSE(fs::exists(marker("beneath")));
    CHECK_THAT(tree_problem(place, -1), test::contains("is missing"));
}

TEST_CASE_METHOD(TreeMarkerTest, "a tree that another server knows keeps its identifier")
{
    const UniqueFd tree = directory("tree");
    const UniqueFd other = directory("other");
    CHECK(recognized(tree).empty());
    const test::TemporaryDirectory other_data;
    const TreePlace from_there{other_data.fd(), other_data.path(), "/srv/tree"};
    CHECK(recognize_tree(from_there, tree.get(), std::nullopt).empty());
    CHECK(recognize_tree({other_data.fd(), other_data.path(), "/srv/other"}, other.get(), std::nullopt)
              .empty());
    CHECK(recognized(tree).empty());
    CHECK_THAT(recognized(other), test::contains("another file system seems to be mounted"));
}

TEST_CASE_METHOD(TreeMarkerTest, "each path has a tree of its own, whose name may have any characters")
{
    const UniqueFd one = directory("one");
    const UniqueFd two = directory("two");
    place.root = "/srv/a b\nc";
    CHECK(recognized(one).empty());
    place.root = "/srv/a";
    CHECK(recognized(two).empty());
    CHECK_THAT(recognized(one), test::contains("another"));
    place.root = "/srv/a b\nc";
    CHECK(recognized(one).empty());
    CHECK_THAT(recognized(two), test::contains("another"));
}

TEST_CASE_METHOD(TreeMarkerTest, "a new tree is accepted once the old one is forgotten")
{
    CHECK(recognized(directory("tree")).empty());
    const UniqueFd restored = directory("restored");
    CHECK_FALSE(recognized(restored).empty());
    fs::remove(data.path("trees"));
    CHECK(recognized(restored).empty());
    CHECK(recognized(restored).empty());
    CHECK_FALSE(recognized(directory("tree")).empty());
}

TEST_CASE_METHOD(TreeMarkerTest, "a line that a crash has cut off counts for nothing, and heals")
{
    const UniqueFd tree = directory("tree");
    std::ofstream{data.path("trees")} << "00112233445566778899aabbccddeeff /srv/tr";
    CHECK(recognized(tree).empty());
    CHECK(tree_problem(place, tree.get()).empty());
    CHECK_FALSE(recognized(directory("beneath")).empty());
}

TEST_CASE_METHOD(TreeMarkerTest,
                 "a marker that a crash has damaged is written anew, but only if none is known")
{
    const UniqueFd tree = directory("tree");
    std::ofstream{marker("tree")} << "";
    CHECK(recognized(tree).empty());
    std::ofstream{marker("tree"), std::ios::trunc} << "nonsense";
    CHECK_THAT(recognized(tree), test::contains("another"));
}

TEST_CASE_METHOD(TreeMarkerTest, "nothing but a plain file is a marker")
{
    const UniqueFd tree = directory("tree");
    REQUIRE(::mkfifo(marker("tree").c_str(), 0600) == 0);
    CHECK_THAT(recognized(tree), test::contains(tree_marker_name));
    CHECK(data.read("trees").empty());
    fs::remove(marker("tree"));
    CHECK(recognized(tree).empty());
    fs::rename(marker("tree"), top.path("moved"));
    fs::create_symlink("../moved", marker("tree"));
    CHECK_THAT(recognized(tree), test::contains("symbolic link"));
}
