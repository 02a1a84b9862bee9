#include "server/storage/weak_map.hpp"

#include "support/catch.hpp"

using ftpc::server::WeakMap;

namespace {

struct WeakMapTest {
    WeakMap<int, int> map;

    std::shared_ptr<int> share(int key, int made, bool suits = true)
    {
        return map.share(
            key, [made] { return std::make_shared<int>(made); }, [suits](int) { return suits; });
    }
};

} // namespace

TEST_CASE_METHOD(WeakMapTest, "an object that is held under a key is shared")
{
    const auto first = share(1, 10);
    CHECK(share(1, 11) == first);
    CHECK(*share(2, 20) == 20);
}

TEST_CASE_METHOD(WeakMapTest, "an object that nobody holds is made anew, for any number of keys")
{
    for (int key = 0; key < 1000; ++key)
        CHECK(*share(key, key) == key);
    const auto held = share(5, 50);
    for (int key = 1000; key < 2000; ++key)
        CHECK(*share(key, key) == key);
    CHECK(share(5, 51) == held);
    CHECK(*share(6, 60) == 60);
}

TEST_CASE_METHOD(WeakMapTest, "an object that does not suit is replaced for later users")
{
    const auto old = share(1, 10);
    const auto later = share(1, 11, false);
    CHECK(*old == 10);
    CHECK(*later == 11);
    CHECK(share(1, 12) == later);
}
