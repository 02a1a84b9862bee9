#include "server/running/server_status.hpp"

#include "server/ipc/wire.hpp"
#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <initializer_list>
#include <utility>

using namespace ftpc;
using namespace ftpc::server;

namespace {

ServerStatus full_status()
{
    return {.pid = 4711,
            .version = "0.1.0",
            .started = 1'795'000'000,
            .config_file = "/etc/ftpcd.conf",
            .data = {"/srv/data", "/mnt/data", {2049, 12}},
            .tree = {"/srv/a tree\n", "", {~std::uint64_t{0}, 1}},
            .listening = {"[::]:2121", "127.0.0.1:21"},
            .ntp = {"0.0.0.0:123", "[::1]:123"},
            .time_text = {"127.0.0.1:2123"},
            .time_limit_hits = {7, "192.0.2.7", 1'795'000'001},
            .fingerprint = "SHA256:abc",
            .children = {{"auth", 4712}, {"net", 0}}};
}

using Pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

SecretText packet_of(Pairs pairs)
{
    ipc::PacketWriter out;
    for (const auto& [name, value] : pairs) {
        out.text(name, 64);
        out.text(value, 64);
    }
    return out.take();
}

bool is_bad(Pairs pairs)
{
    const auto status = decode_status(packet_of(pairs));
    return !status && status.error() == Errc::bad_message;
}

} // namespace

TEST_CASE("the status of a server comes back as it was")
{
    const auto status = decode_status(encode(full_status()));
    REQUIRE(status);
    CHECK(*status == full_status());
}

TEST_CASE("names that a newer server adds are left out")
{
    SecretText packet = encode(full_status());
    const SecretText more = packet_of({{"sessions", "12"}});
    packet.insert(packet.end(), more.begin(), more.end());
    const auto status = decode_status(packet);
    REQUIRE(status);
    CHECK(*status == full_status());
}

TEST_CASE("no part of a status is one")
{
    const SecretText packet = encode(full_status());
    for (std::size_t size = 0; size < packet.size(); ++size) {
        const auto status = decode_status(std::span{packet}.first(size));
        if (status) CHECK_FALSE(*status == full_status()); // cut between two values
    }
    CHECK_FALSE(decode_status(std::span{packet}.first(packet.size() - 1)));
    CHECK_FALSE(decode_status({}));
}

TEST_CASE("a status without process, data directory or tree, or with a bad number, is none")
{
    CHECK(decode_status(packet_of(
        {{"pid", "1"}, {"data.path", "/d"}, {"data.inode", "2"}, {"tree.path", "/t"}, {"tree.inode", "3"}})));
    CHECK(is_bad({{"data.path", "/d"}, {"data.inode", "2"}, {"tree.path", "/t"}, {"tree.inode", "3"}}));
    CHECK(is_bad({{"pid", "1"}, {"tree.path", "/t"}, {"tree.inode", "3"}}));
    CHECK(is_bad({{"pid", "1"}, {"data.path", "/d"}, {"data.inode", "2"}}));
    for (const char* const pid : {"", "-1", "1 ", "x", "99999999999", "0"})
        CHECK(is_bad({{"pid", pid},
                      {"data.path", "/d"},
                      {"data.inode", "2"},
                      {"tree.path", "/t"},
                      {"tree.inode", "3"}}));
}
