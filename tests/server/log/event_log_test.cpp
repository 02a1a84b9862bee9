// The log of net: lines of directories gather, everything else is written at once, and no client floods it.
#include "server/log/event_log.hpp"

#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct EventLogTest {
    test::CapturedLog captured;
    LogBounds bounds;
    std::vector<EventLog::Delay> asked; // to be flushed after so long
    EventLog log{bounds, [this](EventLog::Delay delay) { asked.push_back(delay); }};

    std::size_t count(const std::string& what) const
    {
        const std::string text = captured.text();
        std::size_t found = 0;
        for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
            ++found;
        return found;
    }
};

} // namespace

TEST_CASE_METHOD(EventLogTest, "directories are in the log once it is flushed, which is asked for once")
{
    log.directory_made(7, "alice", "/a", 1);
    log.directory_made(7, "alice", "/b/c", 2);
    CHECK(captured.text().empty());
    CHECK(asked.size() == 1);
    log.flush_on_time();
    CHECK_THAT(captured.text(), test::contains("event=directory-made id=7 user=alice path=/a\n"));
    CHECK_THAT(captured.text(), test::contains("event=directory-made id=7 user=alice path=/b/c made=2\n"));
    log.directory_made(7, "alice", "/d", 1);
    CHECK(asked.size() == 2);
}

TEST_CASE_METHOD(EventLogTest, "another event comes behind the directories that were made before it")
{
    log.directory_made(7, "alice", "/a", 1);
    log.event("disconnected", {{"id", 7}});
    const std::string text = captured.text();
    CHECK(text.find("event=directory-made") < text.find("event=disconnected"));
    CHECK(text.find("event=disconnected") != std::string::npos);
}

TEST_CASE_METHOD(EventLogTest, "directories of several connections keep their names and users")
{
    log.directory_made(1, "alice", "/x", 1);
    log.directory_made(2, "bob", "/x", 1);
    log.directory_made(1, "alice", "/y", 1);
    log.flush();
    CHECK(count("id=1 user=alice path=/x\n") == 1);
    CHECK(count("id=2 user=bob path=/x\n") == 1);
    CHECK(count("id=1 user=alice path=/y\n") == 1);
}

TEST_CASE_METHOD(EventLogTest, "many directories are written before anybody asks for it, and none is lost")
{
    constexpr std::size_t many = 5000;
    for (std::size_t i = 0; i < many; ++i)
        log.directory_made(1, "alice", "/some/directory/with/a/name/" + std::to_string(i), 1);
    CHECK(count("event=directory-made") > 0);
    log.flush();
    CHECK(count("event=directory-made") == many);
}

TEST_CASE_METHOD(EventLogTest, "of a long path the beginning is logged, and how long it is")
{
    log.directory_made(1, "alice", "/" + std::string(3000, 'x'), 1);
    log.flush();
    CHECK_THAT(captured.text(), test::contains("path-begins=/xxx"));
    CHECK_THAT(captured.text(), test::contains("path-bytes=3001"));
}

TEST_CASE_METHOD(EventLogTest, "clients before a login cannot flood the log, and users lose no line by them")
{
    for (unsigned i = 0; i < 10 * LogBounds::unauthenticated_lines_a_second; ++i)
        log.unauthenticated("connected", {{"id", i}});
    CHECK(count("event=connected") <= 2 * LogBounds::unauthenticated_lines_a_second);
    log.event("session-began", {{"id", 1}});
    CHECK(count("event=session-began") == 1);
}

TEST_CASE_METHOD(EventLogTest, "a kind of trouble is named at most once a second, and the kinds apart")
{
    for (int i = 0; i < 50; ++i)
        log.trouble(EventLog::Trouble::too_fast, "limit-hit", {{"limit", "max-commands-per-second"}});
    log.trouble(EventLog::Trouble::no_room, "limit-hit", {{"limit", "max-connections"}});
    CHECK(count("limit=max-commands-per-second") <= 2);
    CHECK(count("limit=max-connections") == 1);
}
