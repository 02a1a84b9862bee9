// Who works in the same home shares what belongs to it.
#include "server/net/workplace.hpp"

#include "server/net/tree_fixture.hpp"

#include <sys/mount.h>

#include <sched.h>

#include <filesystem>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct WorkplaceTest : test::TreeFixture {
    Homes homes;

    Workplace enter(std::string_view home)
    {
        return workplace(open_home(tree(), home, Effort::may_wait).value(), homes);
    }
};

} // namespace

TEST_CASE_METHOD(WorkplaceTest, "sessions in one home share its descriptor and its quota")
{
    const Workplace first = enter("alice");
    const Workplace second = enter("alice");
    CHECK(first.home == second.home);
    CHECK(second.home == second.working_directory);
    CHECK(first.quota == second.quota);
}

TEST_CASE_METHOD(WorkplaceTest, "a home that took the place of another is shared with nobody in the old one")
{
    const Workplace before = enter("alice");
    const auto home = top.path("root/alice");
    std::filesystem::rename(home, home + ".old");
    std::filesystem::create_directory(home);
    const Workplace after = enter("alice");
    CHECK(before.home != after.home);
    CHECK(before.quota != after.quota);
    CHECK(enter("alice.old").home == before.home);
}

TEST_CASE_METHOD(WorkplaceTest, "a home's descriptor and its quota go with its last session")
{
    std::weak_ptr<const OpenDirectory> home;
    std::weak_ptr<HomeQuota> quota;
    {
        const Workplace place = enter("alice");
        home = place.home;
        quota = place.quota;
    }
    CHECK(home.expired());
    CHECK(quota.expired());
    CHECK(enter("alice").home);
}

TEST_CASE_METHOD(WorkplaceTest,
                 "through another mount a home has a descriptor of its own, and the same quota")
{
    if (::geteuid() != 0) {
        WARN("skipped: mounting needs root");
        return;
    }
    std::filesystem::create_directory(top.path("root/mount"));
    const std::string result = test::in_child([this]() -> std::string {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(top.path("root/alice").c_str(), top.path("root/mount").c_str(), nullptr, MS_BIND,
                    nullptr) != 0)
            return "cannot mount";
        const Workplace direct = enter("alice");
        const Workplace mounted = enter("mount");
        return std::string{"descriptors: "} + (direct.home == mounted.home ? "one" : "two") +
               ", quotas: " + (direct.quota == mounted.quota ? "one" : "two");
    });
    if (result == "cannot mount")
        WARN("skipped: nothing can be mounted here");
    else
        CHECK(result == "descriptors: two, quotas: one");
}
