#include "server/ftp/channel/reply_batch.hpp"

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

const error_code disk_failed{EIO, boost::system::system_category()};

Directory directory()
{
    return std::make_shared<OpenDirectory>();
}

} // namespace

TEST_CASE("replies are sent together, in order")
{
    ReplyBatch batch;
    CHECK(batch.empty());
    batch.add({200, "OK."});
    batch.add({211, "Status:\nfine\nEnd"});
    batch.add_when_synced({257, "\"/a\" created."}, {directory()});
    CHECK_FALSE(batch.empty());
    CHECK(batch.take({}) == "200 OK.\r\n211-Status:\r\n fine\r\n211 End\r\n257 \"/a\" created.\r\n");
    CHECK(batch.empty());
    CHECK(batch.take({}).empty());
}

TEST_CASE("after a failed sync the replies that depended on it say so, and only those")
{
    ReplyBatch batch;
    batch.add({331, "Password required."});
    batch.add_when_synced({257, "\"/a\" created."}, {directory()});
    batch.add({521, "\"/a\" is already there."});
    batch.add_when_synced({250, "\"/b\" is there."}, {directory()});
    batch.add_when_synced({257, "\"/c\" created."}, {directory()});
    batch.add({221, "Goodbye."});
    const std::string failed = "451 The directory may not be on disk: Input/output error\r\n";
    CHECK(batch.take(disk_failed) == "331 Password required.\r\n" + failed +
                                         "521 \"/a\" is already there.\r\n" + failed + failed +
                                         "221 Goodbye.\r\n");
}

TEST_CASE("a failed sync says nothing about the batch after it")
{
    ReplyBatch batch;
    batch.add_when_synced({257, "\"/a\" created."}, {directory()});
    batch.take(disk_failed);
    batch.add({200, "OK."});
    CHECK(batch.take(disk_failed) == "200 OK.\r\n");
}

TEST_CASE("parents are handed over once; one that follows itself is named once")
{
    const Directory a = directory();
    const Directory b = directory();
    ReplyBatch batch;
    batch.add_when_synced({257, "\"/a/1\" created."}, {a});
    batch.add_when_synced({257, "\"/a/2\" created."}, {a});
    batch.add_when_synced({257, "\"/b/c\" created."}, {a, b});
    CHECK(batch.take_parents() == Parents{a, b});
    CHECK(batch.take_parents().empty());
    CHECK_FALSE(batch.empty());
}

TEST_CASE("a batch is full when its text or its replies without a sync are many")
{
    ReplyBatch text;
    text.add({200, std::string(65536, 'x')});
    CHECK(text.full());
    text.take({});
    CHECK_FALSE(text.full());

    ReplyBatch many;
    for (int i = 0; i < 48; ++i) {
        CHECK_FALSE(many.full());
        many.add({200, "OK."});
    }
    CHECK(many.full());
    many.add_when_synced({257, "x"}, {directory()}); // one sync for as many as possible
    CHECK_FALSE(many.full());
    many.take({});
    many.add({200, "OK."});
    CHECK_FALSE(many.full());
}

TEST_CASE("a batch is full when it holds as many parents as it may and nothing can stand for them")
{
    const test::TemporaryDirectory top;
    const auto make = [&](int number, bool syncs_as_a_whole) {
        const std::string path = top.path(std::to_string(number));
        ::mkdir(path.c_str(), 0755);
        return std::make_shared<OpenDirectory>(
            OpenDirectory{.fd = UniqueFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)},
                          .can_sync = true,
                          .file_system = {1, syncs_as_a_whole}});
    };
    ReplyBatch by_each;
    ReplyBatch as_a_whole;
    for (int i = 0; i < 4; ++i) {
        CHECK_FALSE(by_each.full());
        by_each.add_when_synced({257, "x"}, {make(i, false)}, 3);
        as_a_whole.add_when_synced({257, "x"}, {make(i, true)}, 3);
    }
    CHECK(by_each.full());
    by_each.take_parents();
    CHECK_FALSE(by_each.full());
    CHECK_FALSE(as_a_whole.full());
    CHECK(as_a_whole.take_parents().size() == 1);
}
