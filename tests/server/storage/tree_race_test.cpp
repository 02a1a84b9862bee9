// Races: a second process swaps a directory of the home for a link that leads outside, while directories are
// made in it. Also, several threads make the same path.
#include "server/storage/swapper.hpp"
#include "server/storage/tree_fixture.hpp"
#include "support/time_scale.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using test::inode;
using test::path;
using test::Swapper;
using Lookup = Tree::Lookup;

namespace {

constexpr int rounds = 4000;

struct RaceTest : test::TreeFixture {
    Lookup lookup = GENERATE(Lookup::beneath, Lookup::walk);
    Tree tree_ = tree(lookup);
    Directory home = tree_.open_home("alice").value();
};

} // namespace

TEST_CASE_METHOD(RaceTest, "no race with a link makes anything outside the home")
{
    make_in_home("d");
    make_in_home("d/e");
    make("outside/e");
    link("../../outside", "trap");
    link("d/../d", "round"); // `..` in a link is where openat2 itself has to watch for renames
    Swapper swapper{home->fd.get(), "d", "trap"};
    REQUIRE(::rmdir(top.path("outside/e").c_str()) == 0);
    make("outside/e");
    int done = 0;
    int refused = 0;
    const auto count = [&](bool success) { ++(success ? done : refused); };
    const auto deadline = std::chrono::steady_clock::now() + test::patience();
    const auto go_on = [&](int i) { // the other process may get no processor for some time
        return i < rounds || ((done == 0 || refused == 0) && std::chrono::steady_clock::now() < deadline);
    };
    int i = 0;
    for (; go_on(i); ++i) {
        const std::string n = std::to_string(i);
        count(test::make(tree_, home, path("/d/a" + n)).has_value());
        count(test::make(tree_, home, path("/d/e/b" + n)).has_value());
        count(test::make_with_parents(tree_, home, path("/d/c" + n + "/x/y")).has_value());
        count(test::make_with_parents(tree_, home, path("/round/f" + n + "/x")).has_value());
    }
    CHECK(swapper.stop());
    CHECK(done > 0);
    CHECK(refused > 0);
    CHECK(done + refused == 4 * i);
    REQUIRE(::rmdir(top.path("outside/e").c_str()) == 0); // nothing in it
    CHECK(outside_is_empty());
}

TEST_CASE_METHOD(RaceTest, "no race with a link opens anything outside the home")
{
    make_in_home("d");
    make_in_home("d/e");
    make("outside/e");
    link("../../outside", "trap");
    const ino_t outside = inode(open("outside").get());
    const ino_t outside_e = inode(open("outside/e").get());
    Swapper swapper{home->fd.get(), "d", "trap"};
    int escaped = 0;
    for (int i = 0; i < rounds; ++i) {
        for (const char* const name : {"/d", "/d/e"}) {
            const auto opened = tree_.open(home, path(name));
            if (!opened) continue;
            const ino_t here = inode((*opened)->fd.get());
            if (here == outside || here == outside_e) ++escaped;
        }
    }
    CHECK(swapper.stop());
    CHECK(escaped == 0);
}

TEST_CASE_METHOD(
    RaceTest, "of those who make one path at the same time one has made it, and each directory counts once")
{
    constexpr std::size_t racers = 4;
    for (int round = 0; round < 100; ++round) {
        const RemotePath deep = path("/").resolve(std::to_string(round)).value().resolve("a/b/c").value();
        std::atomic<std::size_t> ready{0};
        std::atomic<std::size_t> leaves{0};
        std::atomic<std::size_t> directories{0};
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < racers; ++i)
            threads.emplace_back([&] {
                for (++ready; ready < racers;) {
                }
                const auto made = test::make_with_parents(tree_, home, deep);
                leaves += made && made->path_made ? 1U : 0U;
                directories += made ? made->directories : 0U;
            });
        for (std::thread& thread : threads)
            thread.join();
        CHECK(leaves == 1);
        CHECK(directories == 4);
    }
}
