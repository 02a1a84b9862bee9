#include "shared/base/unique_fd.hpp"

#include "support/catch.hpp"

#include <fcntl.h>

#include <utility>

using namespace ftpc;

namespace {

int open_null()
{
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int fd)
{
    return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

TEST_CASE("a descriptor is closed at the end of its owner's life")
{
    const int fd = open_null();
    {
        const UniqueFd owner{fd};
        CHECK(owner);
        CHECK(owner.get() == fd);
    }
    CHECK(!is_open(fd));
}

TEST_CASE("a moved descriptor has one owner")
{
    UniqueFd first{open_null()};
    const int fd = first.get();
    UniqueFd second{std::move(first)};
    CHECK(second.get() == fd);
    UniqueFd third{open_null()};
    const int replaced = third.get();
    third = std::move(second);
    CHECK(third.get() == fd);
    second.reset();
    CHECK(is_open(fd));
    CHECK(!is_open(replaced));
}

TEST_CASE("a released descriptor stays open, a reset one does not")
{
    UniqueFd owner{open_null()};
    const int fd = owner.release();
    CHECK(!owner);
    CHECK(is_open(fd));
    UniqueFd again{fd};
    again.reset();
    CHECK(!is_open(fd));
    CHECK(!again);
}
