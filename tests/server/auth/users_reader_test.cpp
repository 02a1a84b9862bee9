#include "server/auth/users_reader.hpp"

#include "server/users/user_line.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "support/time_scale.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr std::string_view hash =
    "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$86NJHg9XBxSGJYVgIgkOmRCssPtv4CYnTZX/8quMHmM";

std::string line_of(const std::string& name)
{
    return user_line({.name = name, .password_hash = std::string{hash}, .home = name, .max_dirs = {}}) + "\n";
}

struct Users {
    test::TemporaryDirectory data;
    boost::asio::io_context loop{1};
    UsersFile users{data.fd(), data.path()};
    int changes = 0;
    std::chrono::seconds passed{0}; // beside the time that does pass
    UsersReader reader{loop, users, [this] { ++changes; },
                       [this] { return UsersReader::Clock::now() + passed; }};
    const std::string first_half = "realm r\n" + line_of("alice");
    const std::string second_half = line_of("bob");

    Users()
    {
        replace(first_half + second_half);
        REQUIRE(users.load().empty());
    }
    void replace(const std::string& text) const
    {
        REQUIRE(replace_file(data.fd(), users_file_name, text, S_IRUSR | S_IWUSR));
    }
    UniqueFd open_to_write(int flags) const
    {
        return UniqueFd{::openat(data.fd(), users_file_name, O_WRONLY | O_CLOEXEC | flags)};
    }
    UniqueFd lock_data() const
    {
        UniqueFd lock{::openat(data.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
        return lock;
    }
    static void write(const UniqueFd& file, std::string_view text)
    {
        REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    // Lets the loop run until there has been another change, or nothing has happened for `time`.
    void run(std::chrono::milliseconds time = std::chrono::milliseconds{test::patience()})
    {
        const auto until = std::chrono::steady_clock::now() + time;
        for (const int before = changes; changes == before && loop.run_one_until(until) > 0;)
            continue;
    }
    // Lets it run until that is waited for, or there has been another change.
    void run_until_waiting_for(std::string_view what)
    {
        const auto until = std::chrono::steady_clock::now() + test::patience();
        for (const int before = changes; changes == before && reader.waits_for() != what;)
            REQUIRE(loop.run_one_until(until) > 0);
    }
};

struct Following : Users {
    Following() { reader.watch(data.fd()); }
};

// As if inotify were missing, or told nothing.
struct Looking : Users {
    Looking() { reader.look_regularly(data.fd()); }
    // Lets the loop run until the users differ, for as long as a change may take.
    void run_until_changed()
    {
        const auto until = std::chrono::steady_clock::now() + test::patience();
        for (const int before = changes; changes == before;)
            REQUIRE(run_one(until));
    }
    bool run_one(std::chrono::steady_clock::time_point until)
    {
        loop.restart(); // between two looks it has nothing to do
        if (loop.run_one_until(until) > 0) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
        return std::chrono::steady_clock::now() < until;
    }
};

constexpr std::chrono::milliseconds long_enough{1200}; // for everything but a change that has to wait

} // namespace

TEST_CASE_METHOD(Following, "a users file that is replaced is read at once")
{
    replace(first_half);
    run();
    CHECK(changes == 1);
    CHECK_FALSE(users.find("bob"));
}

TEST_CASE_METHOD(Following,
                 "a users file is read when its writer has closed it, also if it is asked for before")
{
    UniqueFd file = open_to_write(O_TRUNC);
    write(file, first_half);
    CHECK(reader.read().empty());
    CHECK(reader.waits_for() == "somebody is writing it");
    run(long_enough);
    CHECK(changes == 0);
    CHECK(users.find("bob"));
    write(file, second_half + line_of("carol"));
    file.reset();
    run();
    CHECK(changes == 1);
    CHECK(users.find("bob"));
    CHECK(users.find("carol"));
    CHECK(reader.waits_for().empty());
}

TEST_CASE_METHOD(Following, "a users file that is written in steps under the lock is read when that is free")
{
    UniqueFd lock = lock_data();
    write(open_to_write(O_TRUNC), first_half);
    run(long_enough);
    CHECK(changes == 0);
    CHECK(reader.waits_for() == "somebody holds the lock of the data directory");
    write(open_to_write(O_APPEND), line_of("carol"));
    lock.reset();
    run();
    CHECK(changes == 1);
    CHECK_FALSE(users.find("bob"));
    CHECK(users.find("carol"));
}

TEST_CASE_METHOD(Following, "a writer is waited for as long as ever after a lock that was held for long")
{
    UniqueFd lock = lock_data();
    UniqueFd file = open_to_write(O_TRUNC);
    write(file, first_half);
    CHECK(reader.read().empty());
    CHECK(reader.waits_for() == "somebody holds the lock of the data directory");
    passed += std::chrono::minutes{1};
    lock.reset();
    run_until_waiting_for("somebody is writing it");
    CHECK(changes == 0);
    CHECK(users.find("bob"));
    write(file, second_half + line_of("carol"));
    file.reset();
    run();
    CHECK(changes == 1);
    CHECK(users.find("bob"));
    CHECK(users.find("carol"));
}

TEST_CASE_METHOD(Following, "a writer that never ends is waited for no longer than ten seconds")
{
    const UniqueFd file = open_to_write(O_APPEND);
    write(file, line_of("carol"));
    CHECK(reader.read().empty());
    CHECK(reader.waits_for() == "somebody is writing it");
    passed += std::chrono::seconds{11};
    run();
    CHECK(changes == 1);
    CHECK(users.find("carol"));
}

TEST_CASE_METHOD(Following, "two writes in short order are read as one")
{
    write(open_to_write(O_TRUNC), first_half);
    write(open_to_write(O_APPEND), second_half + line_of("carol"));
    run();
    CHECK(changes == 1);
    CHECK(users.find("carol"));
}

TEST_CASE_METHOD(Looking, "without inotify a users file that is replaced is read")
{
    replace(first_half);
    run_until_changed();
    CHECK_FALSE(users.find("bob"));
}

TEST_CASE_METHOD(Looking,
                 "without inotify a users file that is written in place, at the same length, is read")
{
    std::string other = first_half + second_half;
    other.replace(other.find("user bob"), 8, "user bot");
    Users::write(open_to_write(0), other);
    run_until_changed();
    CHECK(users.find("bot"));
}

TEST_CASE_METHOD(Looking, "without inotify a users file with an old date is read")
{
    replace(first_half);
    const std::array<timespec, 2> long_ago{};
    REQUIRE(::utimensat(data.fd(), users_file_name, long_ago.data(), 0) == 0);
    run_until_changed();
    replace(first_half + second_half);
    REQUIRE(::utimensat(data.fd(), users_file_name, long_ago.data(), 0) == 0);
    run_until_changed();
    CHECK(users.find("bob"));
}

TEST_CASE_METHOD(Looking, "without inotify a users file that comes back is read")
{
    REQUIRE(::unlinkat(data.fd(), users_file_name, 0) == 0);
    const auto until = std::chrono::steady_clock::now() + test::patience();
    while (users.version_read() != FileVersion{})
        REQUIRE(run_one(until));
    CHECK(changes == 0);
    CHECK(users.find("bob"));
    replace(first_half);
    run_until_changed();
    CHECK_FALSE(users.find("bob"));
}
