// The end of a connection, for any order of the reasons.
#include "server/ftp/channel/connection_stage.hpp"

#include "support/catch.hpp"

using namespace ftpc;
using namespace ftpc::server;

namespace {

const Reply shutting_down{421, "The server is shutting down."};
const Reply full{421, "Too many connections; try again later."};

} // namespace

TEST_CASE("a connection serves until something ends it")
{
    const ConnectionStage stage;
    CHECK(stage.is_serving());
    CHECK(stage.may_wait());
    CHECK(stage.may_send());
    CHECK(stage.reason().empty());
}

TEST_CASE("the server's end is a last reply, which the client may take in peace")
{
    ConnectionStage stage;
    stage.end(shutting_down);
    CHECK_FALSE(stage.is_serving());
    CHECK(stage.may_linger());
    CHECK(stage.last_reply() == shutting_down);
    CHECK(stage.reason() == shutting_down.text);
}

TEST_CASE("the first of two last replies counts, unless the second ends it at once")
{
    ConnectionStage stage;
    stage.end(shutting_down);
    stage.end(full);
    CHECK(stage.last_reply() == shutting_down);
    stage.end_at_once(full);
    CHECK(stage.last_reply() == full);
    CHECK(stage.reason() == full.text);
    CHECK_FALSE(stage.may_wait());
    CHECK(stage.may_send());
}

TEST_CASE("a connection that is closing by itself gets no other last reply")
{
    ConnectionStage stage;
    stage.close("Goodbye.");
    stage.end(shutting_down);
    stage.end_at_once(full);
    CHECK_FALSE(stage.last_reply().has_value());
    CHECK(stage.reason() == "Goodbye.");
    CHECK_FALSE(stage.may_linger());
}

TEST_CASE("after the client's end replies are sent, but not waited for")
{
    ConnectionStage stage;
    stage.input_ended("closed by the client");
    CHECK_FALSE(stage.is_serving());
    CHECK_FALSE(stage.may_linger());
    CHECK(stage.may_wait());
    CHECK(stage.may_send());
}

TEST_CASE("a stage never goes back, and the first reason stays")
{
    ConnectionStage stage;
    stage.output_failed("Broken pipe");
    stage.cut_off("write-timeout");
    stage.input_ended("closed by the client");
    stage.close("Goodbye.");
    CHECK_FALSE(stage.may_send());
    CHECK(stage.reason() == "Broken pipe");
}

TEST_CASE("a cut-off while the last reply is on the way does not hide why the connection ends")
{
    ConnectionStage stage;
    stage.end(shutting_down);
    stage.cut_off("last-reply");
    CHECK(stage.reason() == shutting_down.text);
    CHECK_FALSE(stage.may_wait());
    CHECK(stage.may_send());
}
