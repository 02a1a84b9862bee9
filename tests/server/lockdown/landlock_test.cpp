// Landlock by itself, without the filter of system calls. Each attempt is also made from a free process, to
// show that Landlock refuses it.
#include "server/lockdown/landlock.hpp"

#include "server/lockdown/locked_child.hpp"

#include <sys/prctl.h>

using namespace ftpc;
using namespace ftpc::server;
using namespace ftpc::test;

namespace {

constexpr std::uint64_t of_net = landlock::make_dir | landlock::read_dir;

struct LandlockTest {
    Place place;
    unsigned abi = landlock_abi() ? *landlock_abi() : 0;

    std::string restricted(const std::function<std::string()>& job, unsigned as_abi) const
    {
        return in_process([&] {
                   ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                   const LandlockRule rule{place.root.get(), of_net};
                   const auto done = restrict_with_landlock(as_abi, {&rule, 1});
                   return done ? job() : "landlock: " + done.error().message();
               })
            .how;
    }
    std::string restricted(const std::function<std::string()>& job) const { return restricted(job, abi); }

    // The free one first: it may not be possible a second time.
    void check(const char* what, const std::string& expected, const std::function<std::string()>& job) const
    {
        INFO(what);
        CHECK(restricted(job) == expected);
        CHECK(in_process(job).how == "0");
    }
    bool is_here(unsigned wanted = 1) const
    {
        if (abi >= wanted) return true;
        WARN("Landlock ABI " << abi << ": not tested");
        return false;
    }
};

} // namespace

TEST_CASE("each version of Landlock takes away what the one before did, and more")
{
    CHECK(landlock_scope(0) == LandlockScope{});
    CHECK(landlock_scope(1) == LandlockScope{0x1fff, 0, 0});
    CHECK(landlock_scope(2) == LandlockScope{0x3fff, 0, 0});
    CHECK(landlock_scope(3) == LandlockScope{0x7fff, 0, 0});
    CHECK(landlock_scope(4) == LandlockScope{0x7fff, 3, 0});
    CHECK(landlock_scope(5) == LandlockScope{0xffff, 3, 0});
    CHECK(landlock_scope(6) == LandlockScope{0xffff, 3, 3});
    CHECK(landlock_scope(7) == landlock_scope(6));
}

TEST_CASE_METHOD(LandlockTest,
                 "under every version directories are made beneath the root and no file is opened")
{
    for (unsigned version = 1; version <= abi; ++version) {
        INFO("ABI " << version);
        CHECK(restricted([&] { return place.make_directory("data/root/new" + std::to_string(version)); },
                         version) == "0");
        CHECK(restricted([&] { return place.open_file("data/users.db"); }, version) == "EACCES");
    }
    static_cast<void>(is_here());
}

TEST_CASE_METHOD(LandlockTest,
                 "Landlock alone keeps net from files, and from directories outside of the root")
{
    if (!is_here()) return;
    check("read", "EACCES", [&] { return place.open_file("data/users.db"); });
    check("read with openat2", "EACCES", [&] { return place.open_file_by_openat2("data/users.db"); });
    check("read in the tree", "EACCES", [&] { return place.open_file("data/root/file"); });
    check("write", "EACCES", [&] { return place.open_file("data/root/file", O_WRONLY); });
    check("create", "EACCES", [&] { return place.open_file("data/root/new", O_WRONLY | O_CREAT); });
    check("link", "EACCES", [&] { return place.link("data/root/link"); });
    check("make outside", "EACCES", [&] { return place.make_directory("outside/new"); });
    check("list outside", "EACCES", [&] { return place.list("outside"); });
    check("list the data directory", "EACCES", [&] { return place.list("data"); });
    check("rename", "EACCES", [&] { return place.rename("data/root/file", "data/root/other"); });
    check("remove", "EACCES", [&] { return place.remove("data/users.db"); });
    check("remove a directory", "EACCES", [&] { return place.remove("data/root/alice", AT_REMOVEDIR); });
    CHECK(restricted(Place::execute) == "EACCES");
    CHECK(in_process(Place::execute).how.empty()); // it became /bin/true
}

TEST_CASE_METHOD(LandlockTest,
                 "Landlock alone keeps net from TCP, from other processes and from their signals")
{
    if (!is_here(6)) return;
    check("connect", "EACCES", [&] { return place.connect_with(Place::tcp_socket()); });
    check("bind", "EACCES", [&] { return Place::bind_with(Place::tcp_socket()); });
    check("signal", "EPERM", [] { return Place::signal(::getppid()); });
    CHECK(restricted([] { return Place::trace(::getppid()); }) == "EPERM");
}

TEST_CASE_METHOD(LandlockTest, "directories beneath the root are made and listed")
{
    if (!is_here()) return;
    CHECK(restricted([&] { return place.make_directory("data/root/alice/new"); }) == "0");
    CHECK(restricted([&] { return place.list("data/root/alice"); }) == "0");
    CHECK(restricted([&] {
              const UniqueFd parent{::open(place.path("data/root/alice").c_str(), O_PATH | O_DIRECTORY)};
              return outcome(::mkdirat(parent.get(), "by-path", 0755));
          }) == "0");
}
