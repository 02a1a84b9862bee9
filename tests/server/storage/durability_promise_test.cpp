#include "server/storage/durability_promise.hpp"

#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include "shared/base/unique_fd.hpp"

#include <fcntl.h>

#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

const std::string kept = "directories are made durable by fsync";

// A file system of some type on /tree, with others beside and below it.
struct Machine {
    MountTable mounts{{1, "/", "ext4", "/dev/vda", "rw"}};

    Machine& with(const std::string& point, const std::string& type, const std::string& options = "rw",
                  const std::string& source = "source")
    {
        mounts.push_back({mounts.size() + 1, point, type, source, options});
        return *this;
    }
    DurabilityPromise promise() const { return durability_promise(mounts.back(), mounts); }
    TreePromise tree(HandOver hand_over, Durability durability = Durability::group) const
    {
        Settings settings;
        settings.hand_over = hand_over;
        settings.durability = durability;
        const Mount* const mount = mount_at("/tree", mounts);
        return tree_promise(settings, {"/link", durability_promise(*mount, mounts)}, mount, "/tree", mounts);
    }
};

DurabilityPromise promise_of(const std::string& type, const std::string& options = "rw")
{
    return Machine{}.with("/tree", type, options).promise();
}

std::vector<std::string> words_of(const std::vector<Problem>& problems)
{
    std::vector<std::string> words;
    for (const Problem& problem : problems)
        words.push_back(problem.where + " " + problem.what);
    return words;
}

} // namespace

TEST_CASE("CephFS and this machine's own disks keep what was synced")
{
    for (const char* const type : {"ext4", "xfs", "btrfs", "zfs", "ceph", "fuse.ceph-fuse", "overlay"}) {
        CHECK(promise_of(type).durable == Durable::always);
        CHECK(promise_of(type).words == type + (": " + kept));
    }
}

TEST_CASE("GlusterFS and what is made from MooseFS keep no directory")
{
    for (const char* const type : {"fuse.glusterfs", "fuse.mfs", "fuse.moosefs", "fuse.lizardfs"}) {
        const DurabilityPromise promise = promise_of(type);
        CHECK(promise.durable == Durable::never);
        CHECK(promise.words ==
              type + std::string{": cannot promise durability: fsync of a directory reaches no disk there"});
    }
}

TEST_CASE("a promise that depends on somebody else says so")
{
    CHECK(promise_of("nfs4").durable == Durable::depends);
    CHECK_THAT(promise_of("nfs").words, test::contains("warning"));
    CHECK(promise_of("fuse.sshfs").words ==
          "fuse.sshfs: " + kept + ", if the server behind it keeps its word");
    for (const char* const type : {"fuse", "9p", "cifs", "smb3", "afs", "fuse.unheard-of", "autofs"})
        CHECK(promise_of(type).durable == Durable::depends);
    CHECK(promise_of("tmpfs").words ==
          "tmpfs: " + kept + ", but nothing there outlives the machine's next start");
    CHECK(promise_of("ext4", "rw,barrier=0").durable == Durable::depends);
    CHECK(promise_of("ext4", "rw,barrier=1").durable == Durable::always);
}

TEST_CASE("a stacked file system is what it lies on")
{
    Machine machine;
    machine.with("/lower", "fuse.glusterfs")
        .with("/tree", "overlay", "rw,lowerdir=/l,upperdir=/lower/up,workdir=/w");
    CHECK(machine.promise().durable == Durable::never);
    CHECK_THAT(machine.promise().words, test::contains("overlay on fuse.glusterfs: "));
    CHECK(Machine{}.with("/tree", "overlay", "rw,upperdir=/up").promise().durable == Durable::always);
    CHECK(promise_of("overlay", "rw,upperdir=/up,volatile").durable == Durable::never);
    CHECK(Machine{}.with("/n", "nfs").with("/tree", "ecryptfs", "rw", "/n/lower").promise().durable ==
          Durable::depends);
    // In a container the overlay is all that there is.
    Machine container;
    container.mounts = {{1, "/", "overlay", "overlay", "rw,upperdir=/var/lib/docker/up"}};
    CHECK(container.promise().durable == Durable::always);
}

TEST_CASE("a tree that keeps nothing is refused, unless nothing is promised")
{
    Machine machine;
    machine.with("/tree", "fuse.glusterfs");
    CHECK_THAT(machine.tree(HandOver::automatic).refusal, test::contains("reaches no disk"));
    CHECK(machine.tree(HandOver::automatic, Durability::none).refusal.empty());
    CHECK(Machine{}.with("/tree", "nfs4").tree(HandOver::automatic).refusal.empty());
    CHECK(Machine{}.with("/tree", "fuse.ceph-fuse").tree(HandOver::automatic).refusal.empty());
}

TEST_CASE("FUSE is not served by the threads that serve all clients")
{
    for (const char* const type : {"fuse", "fuse.ceph-fuse", "fuseblk"}) {
        Machine machine;
        machine.with("/tree", type);
        CHECK_THAT(machine.tree(HandOver::never).refusal, test::contains("set hand-over = auto"));
        CHECK_THAT(machine.tree(HandOver::never, Durability::none).refusal, test::contains("hand-over"));
        CHECK(machine.tree(HandOver::automatic).refusal.empty());
        CHECK(machine.tree(HandOver::always).refusal.empty());
    }
    CHECK(Machine{}.with("/tree", "ext4").tree(HandOver::never).refusal.empty());
    const TreePromise nfs = Machine{}.with("/tree", "nfs").tree(HandOver::never);
    CHECK(nfs.refusal.empty());
    CHECK(words_of(nfs.problems) ==
          std::vector<std::string>{"/link nfs: if it does not answer, every client waits; "
                                   "set hand-over = auto"});
}

TEST_CASE("an overlay hides what may hang from hand-over = auto")
{
    Machine machine;
    machine.with("/n", "fuse.sshfs").with("/tree", "overlay", "rw,upperdir=/n/up");
    CHECK(machine.tree(HandOver::always).problems.empty());
    CHECK(words_of(machine.tree(HandOver::automatic).problems) ==
          std::vector<std::string>{"/link overlay on fuse.sshfs: if it does not answer, every client waits; "
                                   "set hand-over = always"});
}

TEST_CASE("a mount below the tree is judged, too, and does not keep the tree from being served")
{
    Machine machine;
    machine.with("/tree", "ext4").with("/tree/alice", "fuse.glusterfs").with("/elsewhere", "nfs");
    const TreePromise promise = machine.tree(HandOver::never);
    CHECK(promise.refusal.empty());
    REQUIRE(promise.promises.size() == 2);
    CHECK(promise.promises[0].path == "/link");
    CHECK(promise.promises[1].path == "/tree/alice");
    CHECK(promise.promises[1].promise.durable == Durable::never);
    CHECK(words_of(promise.problems).size() == 1);
}

TEST_CASE("the promise of a file system is found out by a sync of the directory")
{
    const test::TemporaryDirectory temporary;
    CHECK(durability_promise(temporary.fd()).durable != Durable::never);
    const UniqueFd proc{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    CHECK(durability_promise(proc.get())
              .words.starts_with("proc: directories are made durable by syncfs only"));
    if (const UniqueFd memory{::open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC)}; memory)
        CHECK(durability_promise(memory.get()).words == "tmpfs: directories are made durable by fsync, but "
                                                        "nothing there outlives the machine's next start");
}
