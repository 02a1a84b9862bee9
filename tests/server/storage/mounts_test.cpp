#include "server/storage/mounts.hpp"

#include "support/temporary_directory.hpp"

#include <string>

using namespace ftpc::server;

namespace {

constexpr std::string_view example =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro\n"
    "30 22 0:40 / /srv/the\\040tree rw,nosuid master:3 propagate_from:2 - fuse.sshfs host:/x rw,user_id=0\n"
    "no such line\n"
    "31 22 0:41 / /srv/the\\040tree/alice rw - tmpfs tmpfs rw,size=1k\n"
    "32 22 0:42 / /srv/the\\040tree/alice rw - nfs4 host:/alice rw,vers=4.2\n"
    "33 22 0:43 / /srv/the\\040tree.old ro - xfs /dev/vdb rw\n";

std::string type_at(std::string_view path)
{
    const MountTable mounts = parse_mounts(example);
    const Mount* const mount = mount_at(path, mounts);
    return mount == nullptr ? "none" : mount->type;
}

} // namespace

TEST_CASE("mountinfo is read as the kernel writes it")
{
    const MountTable mounts = parse_mounts(example);
    REQUIRE(mounts.size() == 5);
    CHECK(mounts[1].id == 30);
    CHECK(mounts[1].point == "/srv/the tree");
    CHECK(mounts[1].type == "fuse.sshfs");
    CHECK(mounts[1].source == "host:/x");
    CHECK(option_value(mounts[1], "user_id") == "0");
    CHECK(has_option(mounts[1], "nosuid"));
    CHECK_FALSE(has_option(mounts[1], "user"));
    CHECK(parse_mounts("").empty());
}

TEST_CASE("a path is on the deepest mount above it, and there on the last one")
{
    CHECK(type_at("/") == "ext4");
    CHECK(type_at("/srv") == "ext4");
    CHECK(type_at("/srv/the tree") == "fuse.sshfs");
    CHECK(type_at("/srv/the tree/bob/x") == "fuse.sshfs");
    CHECK(type_at("/srv/the tree/alice/x") == "nfs4");
    CHECK(type_at("/srv/the tree.old/x") == "xfs");
}

TEST_CASE("mounts below a directory are found, except for those that another mount covers")
{
    const MountTable mounts = parse_mounts(example);
    const MountTable below = mounts_below("/srv/the tree", mounts);
    REQUIRE(below.size() == 1);
    CHECK(below.front().type == "nfs4");
    CHECK(mounts_below("/srv/the tree.old", mounts).empty());
}

TEST_CASE("an open directory is found among the mounts of this process")
{
    const ftpc::test::TemporaryDirectory temporary;
    const MountTable mounts = mounts_now();
    REQUIRE_FALSE(mounts.empty());
    const Mount* const mount = mount_of(temporary.fd(), mounts);
    REQUIRE(mount != nullptr);
    CHECK_FALSE(mount->type.empty());
    CHECK(mount_of(-1, mounts) == nullptr);
}
