#include "server/auth/state/session_key_writer.hpp"

#include "server/auth/session_keys_at_once.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <optional>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

User user(const std::string& name)
{
    return {.name = name, .password_hash = {}, .home = name, .generation = 1, .max_dirs = {}};
}

// A writer that is busy with a change until it is told to go on.
struct Fixture {
    test::TemporaryDirectory data;
    SessionKeys keys{data.fd()};
    std::promise<void> begun;
    std::promise<void> go_on;
    std::optional<SessionKeyWriter> writer;

    Fixture()
    {
        REQUIRE(keys.load().problems.empty());
        writer.emplace(keys);
        writer->submit(KeyRemoval{"nobody", {}, [this](auto) {
                                      begun.set_value();
                                      go_on.get_future().wait();
                                  }});
        begun.get_future().wait();
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "changes that come while one is carried out are written together")
{
    std::atomic<int> done = 0;
    std::optional<ParsedSessionKeys> in_file_at_first;
    for (std::uint8_t i = 0; i < 100; ++i)
        writer->submit(
            KeyEnrolment{user(std::string{"u"}.append(std::to_string(i))), {i}, 1h, [&](const auto& made) {
                             if (made && ++done == 1)
                                 in_file_at_first = parse_session_keys(data.read("sessions.db"));
                         }});
    CHECK(keys.size() == 0);
    go_on.set_value();
    writer.reset();
    CHECK(done == 100);
    CHECK(in_file_at_first->keys.size() == 100);
}

TEST_CASE_METHOD(Fixture, "a key holds before its user is told, and all that waits is carried out at the end")
{
    bool held = false;
    writer->submit(KeyEnrolment{
        user("alice"), {1}, 1h, [&](const auto& made) { held = keys.find(made.value().id).has_value(); }});
    go_on.set_value();
    writer.reset();
    CHECK(held);
}

TEST_CASE_METHOD(Fixture, "so many changes wait, and more are refused at once")
{
    int refused = 0;
    std::atomic<int> answered = 0;
    for (int i = 0; i < 20'000; ++i)
        writer->submit(KeyRemoval{"nobody", {}, [&](const Result<KeyEnd>& ended) {
                                      ++answered;
                                      if (!ended && ended.error().value() == ENOBUFS) ++refused;
                                  }});
    CHECK(refused > 0);
    CHECK(refused < 10'000);
    CHECK(answered == refused);
    go_on.set_value();
    writer.reset();
    CHECK(answered == 20'000);
}
