// A second process swaps a directory for a link that leads outside, while it is listed.
#include "server/listing/listing.hpp"
#include "server/storage/swapper.hpp"
#include "server/storage/tree_fixture.hpp"
#include "support/matchers.hpp"
#include "support/time_scale.hpp"

#include <chrono>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr std::chrono::seconds at_least{3}; // of race: 40,000 listings and more

std::string tree_beneath(const Tree& tree, const Directory& home, std::string_view top)
{
    const auto listing = Listing::open_tree(tree, home, test::path(top), 3).value();
    std::string all;
    while (!listing->at_end())
        all += listing->next(65536).value();
    return all;
}

} // namespace

TEST_CASE_METHOD(test::TreeFixture, "no race with a link lists anything outside the home")
{
    make_in_home("d");
    make_in_home("d/one");
    file("d/one/mine");
    link("../../../outside", "d/two");
    top.write("outside/secret", "contents");
    const Tree storage = tree();
    const Directory home = storage.open_home("alice").value();
    const UniqueFd swapped = open("root/alice/d");
    test::Swapper swapper{swapped.get(), "one", "two"};
    int as_one = 0;
    int as_two = 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto goes_on = [&] { // the other process may get no processor for some time
        const auto raced = std::chrono::steady_clock::now() - begin;
        return raced < at_least || ((as_one == 0 || as_two == 0) && raced < test::patience());
    };
    while (goes_on()) {
        const std::string listed = tree_beneath(storage, home, "/d");
        if (listed.find("secret") != std::string::npos) FAIL(listed);
        as_one += listed.find("one/mine") != std::string::npos ? 1 : 0;
        as_two += listed.find("two/mine") != std::string::npos ? 1 : 0;
    }
    CHECK(swapper.stop());
    CHECK(as_one > 0);
    CHECK(as_two > 0);
}
