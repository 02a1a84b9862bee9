#include "server/ipc/channel.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server::ipc;

namespace {

struct Channel {
    std::pair<UniqueFd, UniqueFd> ends = make_channel();
    int a = ends.first.get();
    int b = ends.second.get();
};

bool same_file(int one, int other)
{
    struct stat first {};
    struct stat second {};
    REQUIRE(::fstat(one, &first) == 0);
    REQUIRE(::fstat(other, &second) == 0);
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

} // namespace

TEST_CASE_METHOD(Channel, "packets arrive whole, each by itself, in both directions")
{
    REQUIRE(send_packet(a, secret_text("one")));
    REQUIRE(send_packet(a, secret_text("two")));
    CHECK(view(receive_packet(b, 100)->bytes) == "one");
    CHECK(view(receive_packet(b, 100)->bytes) == "two");
    REQUIRE(send_packet(b, secret_text("back")));
    CHECK(view(receive_packet(a, 100)->bytes) == "back");
}

TEST_CASE_METHOD(Channel, "a packet longer than allowed is an error, and the next one is not")
{
    REQUIRE(send_packet(a, secret_text("12345")));
    REQUIRE(send_packet(a, secret_text("1234")));
    CHECK(receive_packet(b, 4).error() == Errc::bad_message);
    CHECK(view(receive_packet(b, 4)->bytes) == "1234");
}

TEST_CASE_METHOD(Channel, "descriptors travel beside a packet, and are closed on exec there")
{
    const UniqueFd zero{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    REQUIRE(send_packet(a, secret_text("x"), std::array{zero.get(), null.get()}));
    const auto packet = receive_packet(b, 10);
    REQUIRE(packet);
    REQUIRE(packet->descriptors.size() == 2);
    CHECK(same_file(packet->descriptors[0].get(), zero.get()));
    CHECK(same_file(packet->descriptors[1].get(), null.get()));
    CHECK((::fcntl(packet->descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE_METHOD(Channel, "as many descriptors as allowed travel beside one packet")
{
    const std::vector<int> many(max_passed_descriptors, a);
    REQUIRE(send_packet(a, secret_text("x"), many));
    CHECK(receive_packet(b, 10)->descriptors.size() == max_passed_descriptors);
}

TEST_CASE_METHOD(Channel, "a packet comes without its descriptors if this process can have no more")
{
    REQUIRE(send_packet(a, secret_text("x"), std::array{a}));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{3, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto packet = receive_packet(b, 10);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(packet);
    CHECK(view(packet->bytes) == "x");
    CHECK(packet->descriptors.empty());
}

TEST_CASE_METHOD(Channel,
                 "the end of the other side is an empty packet, and sending to it an error without a signal")
{
    ends.second.reset();
    CHECK(receive_packet(a, 10)->bytes.empty());
    CHECK(send_packet(a, secret_text("x")).error() == boost::system::errc::broken_pipe);
}

TEST_CASE_METHOD(Channel, "a non-blocking channel says when it is empty and when it is full")
{
    for (const int end : {a, b})
        REQUIRE(::fcntl(end, F_SETFL, O_NONBLOCK) == 0);
    CHECK(receive_packet(b, 10).error() == boost::system::errc::resource_unavailable_try_again);
    Result<void> sent;
    while (sent)
        sent = send_packet(a, secret_text("x"));
    CHECK(sent.error() == boost::system::errc::resource_unavailable_try_again);
    CHECK(receive_packet(b, 10));
}
