#include "server/auth/request_handler.hpp"

#include "memory_user_store.hpp"
#include "shared/protocol/session_key.hpp"
#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;
using ipc::LoginStatus;
using test::cheap;

namespace {

// The event loop of the requests: work from any thread, run on this one.
class Loop {
public:
    void post(std::function<void()> work)
    {
        const std::scoped_lock lock{mutex_};
        work_.push_back(std::move(work));
        changed_.notify_one();
    }
    // Runs the work that is there.
    void run_waiting()
    {
        std::unique_lock lock{mutex_};
        const auto waiting = std::exchange(work_, {});
        lock.unlock();
        for (const auto& work : waiting)
            work();
    }
    // Waits for the next piece of work and runs it.
    void run_one()
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return !work_.empty(); });
        const auto work = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        work();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> work_;
};

// Keeps the one worker of a queue at work until it is released.
class BusyWorker {
public:
    explicit BusyWorker(HashQueue& queue)
    {
        queue.submit({}, 1,
                     {[this] {
                          started_.set_value();
                          release_.get_future().wait();
                      },
                      [] {}});
        started_.get_future().wait();
    }
    void release() { release_.set_value(); }

private:
    std::promise<void> started_;
    std::promise<void> release_;
};

struct Fixture {
    test::TemporaryDirectory data;
    test::MemoryUserStore users;
    std::uint64_t now = 1000;
    SessionKeys keys{data.fd(), [this] { return now; }};
    Loop loop;
    int users_changed = 0;
    int history_changed = 0;
    std::vector<std::pair<std::chrono::milliseconds, HashJob>> held;
    Moment moment{std::chrono::hours{24 * 365 * 50}};
    std::vector<ipc::Answer> answers;
    SessionKeyPair pair = make_session_key_pair();
    AuthServices services{
        .users = &users,
        .session_keys = &keys,
        .change_session_keys = [this](const KeyChange& change) { keys.carry_out({change}); },
        .hash_queue = nullptr,
        .authenticator = std::make_unique<Authenticator>(users, cheap, std::make_shared<Pepper>()),
        .session_ttl = 600s,
        .run_on_loop = [this](std::function<void()> work) { loop.post(std::move(work)); },
        .users_changed = [this] { ++users_changed; },
        .hold = [this](std::chrono::milliseconds delay,
                       HashJob job) { held.emplace_back(delay, std::move(job)); },
        .history_changed = [this] { ++history_changed; },
        .now = [this] { return moment; },
        .limiter = LoginLimiter{{.address = 3, .account = 5, .forget = 600s}},
        .history = {}};
    std::shared_ptr<RequestHandler> requests = connect();
    HashQueue queue{1, 2};

    Fixture() { services.hash_queue = &queue; }

    std::shared_ptr<RequestHandler> connect()
    {
        return std::make_shared<RequestHandler>(
            services, [this](const ipc::Answer& answer) { answers.push_back(answer); });
    }

    // As on a channel that has room for everything.
    void follow_users()
    {
        requests->users_changed();
        tell_all();
    }
    void tell_all()
    {
        std::size_t before = 0;
        do {
            before = answers.size();
            requests->tell_next();
        } while (answers.size() != before);
    }

    template <class T>
    T last() const
    {
        REQUIRE_FALSE(answers.empty());
        REQUIRE(std::holds_alternative<T>(answers.back()));
        return std::get<T>(answers.back());
    }

    void send_login(const std::string& user, const std::string& password, const ipc::PeerAddress& peer)
    {
        requests->handle(
            ipc::LogInWithPassword{.id = 7, .user = user, .password = secret_text(password), .peer = peer});
    }
    ipc::LoginAnswer log_in(const std::string& user, const std::string& password,
                            const ipc::PeerAddress& peer = {})
    {
        send_login(user, password, peer);
        loop.run_one();
        return last<ipc::LoginAnswer>();
    }
    // For tests with many logins: the client's half of the hash takes the time, and is made once.
    ipc::LoginAnswer log_in_by_prehash(const std::string& user, const Prehash& prehash)
    {
        requests->handle(ipc::LogInWithPrehash{.id = 7, .user = user, .prehash = prehash});
        loop.run_one();
        return last<ipc::LoginAnswer>();
    }
    ipc::EnrolAnswer enrol(const ipc::LoginHandle& login, std::uint32_t seconds = 0)
    {
        requests->handle(ipc::EnrolSessionKey{8, login, pair.public_key, seconds});
        loop.run_waiting();
        return last<ipc::EnrolAnswer>();
    }
    ipc::LoginAnswer log_in_with_key(const std::string& user, const SessionId& id)
    {
        const ChannelBinding binding{9};
        requests->handle(
            ipc::LogInWithSessionKey{.id = 9,
                                     .user = user,
                                     .session = id,
                                     .binding = binding,
                                     .signature = sign_session(pair.private_key, binding, id, user)});
        return last<ipc::LoginAnswer>();
    }
    bool end(const ipc::LoginHandle& login, bool own, const SessionId& id = {})
    {
        requests->handle(ipc::EndSessionKey{10, login, own, id});
        loop.run_waiting();
        return last<ipc::EndAnswer>().status == ipc::EndStatus::ended;
    }
    std::vector<ipc::ListedKey> list(const ipc::LoginHandle& login)
    {
        requests->handle(ipc::ListSessionKeys{11, login});
        return last<ipc::ListAnswer>().keys;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a channel begins with the realm, and hears of another one")
{
    requests->begin();
    CHECK(last<ipc::RealmIs>().realm == "test-realm");
    follow_users();
    CHECK(answers.size() == 1);
    users.set_realm("other");
    follow_users();
    CHECK(last<ipc::RealmIs>().realm == "other");
}

TEST_CASE_METHOD(Fixture, "a good login is answered with its number, a handle and the home")
{
    users.add("alice", "secret").home = "staff/alice";
    const auto answer = log_in("alice", "secret");
    CHECK(answer.id == 7);
    CHECK(answer.status == LoginStatus::granted);
    CHECK(answer.login != ipc::LoginHandle{});
    CHECK(answer.home == "staff/alice");
}

TEST_CASE_METHOD(Fixture, "a refused login gets neither handle nor home")
{
    users.add("alice", "secret");
    for (const auto& answer : {log_in("alice", "wrong"), log_in("unknown", "secret")})
        CHECK(answer ==
              ipc::LoginAnswer{
                  .id = 7, .status = LoginStatus::refused, .login = {}, .home = {}, .max_dirs = {}});
}

TEST_CASE_METHOD(Fixture, "logins beyond the queue are answered busy, each exactly once")
{
    BusyWorker busy{queue};
    for (ipc::RequestId id = 0; id < 4; ++id)
        requests->handle(ipc::LogInWithPrehash{.id = id, .user = "alice", .prehash = {}});
    REQUIRE(answers.size() == 2);
    CHECK(last<ipc::LoginAnswer>() ==
          ipc::LoginAnswer{.id = 3, .status = LoginStatus::busy, .login = {}, .home = {}, .max_dirs = {}});
    busy.release();
    loop.run_one();
    loop.run_one();
    CHECK(answers.size() == 4);
}

TEST_CASE_METHOD(Fixture, "a login by password may enrol one session key, which then logs in")
{
    users.add("alice", "secret");
    const auto login = log_in("alice", "secret");
    const auto enrolled = enrol(login.login);
    REQUIRE(enrolled.enrolled);
    CHECK(enrolled.expires == 1600);
    CHECK_FALSE(enrol(login.login).enrolled);
    CHECK(log_in_with_key("alice", enrolled.session).status == LoginStatus::granted);
    CHECK(log_in_with_key("bob", enrolled.session).status == LoginStatus::refused);
}

TEST_CASE_METHOD(Fixture, "a session key lives as long as was asked for, but no longer than the setting")
{
    users.add("alice", "secret");
    CHECK(enrol(log_in("alice", "secret").login, 60).expires == 1060);
    CHECK(enrol(log_in("alice", "secret").login, 601).expires == 1600);
    CHECK(enrol(log_in("alice", "secret").login, ~0U).expires == 1600);
}

TEST_CASE_METHOD(Fixture, "neither a handle that was made up nor a login by session key enrols a key")
{
    users.add("alice", "secret");
    CHECK_FALSE(enrol(ipc::LoginHandle{1}).enrolled);
    const auto id = enrol(log_in("alice", "secret").login).session;
    const auto by_key = log_in_with_key("alice", id);
    CHECK(enrol(by_key.login) == ipc::EnrolAnswer{.id = 8});
}

TEST_CASE_METHOD(Fixture, "a login ends and lists the keys of its own user only")
{
    users.add("alice", "secret");
    users.add("bob", "secret");
    const auto alice = log_in("alice", "secret");
    const auto bob = log_in("bob", "secret");
    const auto id = enrol(alice.login).session;
    CHECK(list(alice.login) == std::vector<ipc::ListedKey>{{id, 1000, 1600}});
    CHECK(list(bob.login).empty());
    CHECK(list(ipc::LoginHandle{}).empty());
    CHECK_FALSE(end(bob.login, false, id));
    CHECK_FALSE(end(ipc::LoginHandle{}, false, id));
    CHECK(end(alice.login, false, id));
    CHECK_FALSE(end(alice.login, false, id));
    CHECK(list(alice.login).empty());
}

TEST_CASE_METHOD(Fixture, "a login by session key ends its own key, a login by password has none")
{
    users.add("alice", "secret");
    const auto by_password = log_in("alice", "secret");
    const auto id = enrol(by_password.login).session;
    CHECK_FALSE(end(by_password.login, true));
    const auto by_key = log_in_with_key("alice", id);
    CHECK(end(by_key.login, true));
    CHECK(log_in_with_key("alice", id).status == LoginStatus::refused);
}

TEST_CASE_METHOD(Fixture, "a login that has ended is good for nothing")
{
    users.add("alice", "secret");
    const auto login = log_in("alice", "secret");
    requests->handle(ipc::LoginEnded{login.login});
    CHECK_FALSE(enrol(login.login).enrolled);
}

TEST_CASE_METHOD(Fixture, "a change of a user revokes that user's logins")
{
    users.add("alice", "secret");
    users.add("bob", "secret");
    const auto alice = log_in("alice", "secret");
    const auto bob = log_in("bob", "secret");
    users.add("alice", "other").generation = 2;
    follow_users();
    CHECK(last<ipc::LoginRevoked>().login == alice.login);
    const std::size_t before = answers.size();
    follow_users();
    CHECK(answers.size() == before);
    CHECK_FALSE(enrol(alice.login).enrolled);
    CHECK(enrol(bob.login).enrolled);
}

TEST_CASE_METHOD(Fixture, "a login tells the user's own limit of directories")
{
    users.add("alice", "secret").max_dirs = 7;
    users.add("bob", "secret");
    CHECK(log_in("alice", "secret").max_dirs == 7U);
    CHECK_FALSE(log_in("bob", "secret").max_dirs);
    CHECK_FALSE(log_in("alice", "wrong").max_dirs);
}

TEST_CASE_METHOD(Fixture, "another limit is told once to each login that it concerns, and ends none")
{
    requests->begin();
    users.add("alice", "secret").max_dirs = 7;
    users.add("bob", "secret");
    const auto alice = log_in("alice", "secret");
    log_in("bob", "secret");
    const std::size_t before = answers.size();
    users.add("alice", "secret").max_dirs = 8;
    follow_users();
    CHECK(last<ipc::LimitChanged>() == ipc::LimitChanged{alice.login, 8});
    users.add("alice", "secret").max_dirs.reset();
    follow_users();
    CHECK(last<ipc::LimitChanged>() == ipc::LimitChanged{alice.login, {}});
    follow_users();
    CHECK(answers.size() == before + 2);
    CHECK(enrol(alice.login).enrolled);
}

TEST_CASE_METHOD(Fixture, "without room in net each login waits as one entry, however often it changes")
{
    requests->begin();
    User& alice = users.add("alice", "secret");
    const Prehash right = prehash("secret", users.realm(), "alice");
    std::set<ipc::LoginHandle> logins;
    for (int i = 0; i < 50; ++i)
        logins.insert(log_in_by_prehash("alice", right).login);
    const std::size_t before = answers.size();
    for (std::uint64_t limit = 1; limit <= 100; ++limit) {
        alice.max_dirs = limit;
        requests->users_changed();
    }
    CHECK(answers.size() == before);
    tell_all();
    CHECK(answers.size() == before + 50);
    std::set<ipc::LoginHandle> told;
    for (std::size_t i = before; i < answers.size(); ++i) {
        const auto& change = std::get<ipc::LimitChanged>(answers[i]);
        CHECK(change.max_dirs == 100U);
        told.insert(change.login);
    }
    CHECK((told == logins));
}

TEST_CASE_METHOD(Fixture, "of a login that has ended meanwhile nothing is told")
{
    requests->begin();
    users.add("alice", "secret");
    const auto one = log_in("alice", "secret");
    const auto other = log_in("alice", "secret");
    users.add("alice", "secret").max_dirs = 7;
    requests->users_changed();
    requests->handle(ipc::LoginEnded{one.login});
    std::size_t before = answers.size();
    tell_all();
    CHECK(answers.size() == before + 1);
    users.add("alice", "other").generation = 2;
    requests->users_changed();
    requests->handle(ipc::LoginEnded{other.login});
    before = answers.size();
    tell_all();
    CHECK(answers.size() == before);
}

TEST_CASE_METHOD(Fixture, "a login that is withdrawn before its check is neither checked nor answered")
{
    users.add("alice", "secret");
    BusyWorker busy{queue};
    send_login("alice", "wrong", {});
    requests->handle(ipc::Withdraw{7});
    requests->handle(ipc::LogInWithPassword{.id = 8, .user = "alice", .password = secret_text("secret")});
    busy.release();
    loop.run_one();
    REQUIRE(answers.size() == 1);
    CHECK(last<ipc::LoginAnswer>().id == 8);
    CHECK(last<ipc::LoginAnswer>().status == LoginStatus::granted);
    CHECK(services.history.users().at("alice").failed.empty());
}

TEST_CASE_METHOD(Fixture, "logins that are withdrawn take no places from those that are not")
{
    users.add("alice", "secret");
    BusyWorker busy{queue};
    for (ipc::RequestId id = 0; id < 20; ++id) {
        requests->handle(ipc::LogInWithPrehash{.id = id, .user = "alice", .prehash = {}});
        requests->handle(ipc::Withdraw{id});
    }
    for (ipc::RequestId id = 20; id < 22; ++id)
        requests->handle(ipc::LogInWithPrehash{.id = id, .user = "alice", .prehash = {}});
    CHECK(answers.empty()); // none was refused for want of room
    busy.release();
    loop.run_one();
    loop.run_one();
    CHECK(answers.size() == 2);
}

TEST_CASE_METHOD(Fixture, "a login with an older hash is answered first and renews the hash then")
{
    users.add("alice", "secret", {.ln = 11, .r = 8, .p = 1});
    CHECK(log_in("alice", "secret").status == LoginStatus::granted);
    loop.run_one();
    CHECK(users_changed == 1);
    CHECK(parse_password_hash(users.find("alice")->password_hash)->cost == cheap);
    CHECK(log_in("alice", "secret").status == LoginStatus::granted);
}

TEST_CASE_METHOD(Fixture, "the answer for a channel that is gone goes nowhere")
{
    users.add("alice", "secret");
    requests->handle(ipc::LogInWithPassword{.id = 1, .user = "alice", .password = secret_text("secret")});
    requests = connect();
    requests->handle(ipc::LogInWithPassword{.id = 2, .user = "alice", .password = secret_text("secret")});
    while (answers.empty())
        loop.run_one(); // perhaps the check of the first one was under way
    REQUIRE(answers.size() == 1);
    CHECK(last<ipc::LoginAnswer>().id == 2);
}

TEST_CASE_METHOD(Fixture, "a login whose channel is gone is withdrawn")
{
    users.add("alice", "secret");
    for (std::uint8_t i = 1; i <= 10 && held.empty(); ++i) {
        send_login("alice", "wrong", {i});
        if (held.empty()) loop.run_one();
    }
    REQUIRE(held.size() == 1);
    CHECK_FALSE(held.front().second.is_withdrawn());
    requests = connect();
    CHECK(held.front().second.is_withdrawn());
}

namespace {

constexpr ipc::PeerAddress attacker{9};
constexpr ipc::PeerAddress newcomer{8};

} // namespace

TEST_CASE_METHOD(
    Fixture, "an address that guesses is refused without a check, for any login, for as long as it is told")
{
    users.add("alice", "secret");
    for (const char* name : {"alice", "unknown", "alice", "unknown"})
        CHECK(log_in(name, "wrong", attacker).status == LoginStatus::refused);
    for (const char* name : {"alice", "unknown"}) {
        send_login(name, "secret", attacker); // answered at once: no work was posted
        CHECK(last<ipc::LoginAnswer>() == ipc::LoginAnswer{.id = 7,
                                                           .status = LoginStatus::limited,
                                                           .login = {},
                                                           .home = {},
                                                           .max_dirs = {},
                                                           .retry_seconds = 60});
    }
    CHECK(log_in("alice", "secret", newcomer).status == LoginStatus::granted);
    moment += 60s;
    CHECK(log_in("alice", "secret", attacker).status == LoginStatus::granted);
}

TEST_CASE_METHOD(Fixture, "earlier logins of an address that was found guessing are refused as well")
{
    users.add("alice", "secret");
    for (int i = 0; i < 3; ++i)
        log_in("alice", "wrong", attacker);
    BusyWorker busy{queue};
    send_login("alice", "wrong", attacker);
    send_login("alice", "secret", attacker);
    busy.release();
    loop.run_one(); // the wrong one; the other may be with the worker already
    const auto status = last<ipc::LoginAnswer>().status;
    CHECK((status == LoginStatus::limited || status == LoginStatus::refused));
}

TEST_CASE_METHOD(Fixture, "an account under attack delays new addresses, and none that has logged in before")
{
    users.add("alice", "secret");
    log_in("alice", "secret", newcomer);
    for (std::uint8_t i = 0; i < 6; ++i)
        log_in("alice", "wrong", ipc::PeerAddress{1, i});
    CHECK(log_in("alice", "secret", newcomer).status == LoginStatus::granted);
    CHECK(held.empty());
    const std::size_t before = answers.size();
    send_login("alice", "secret", {7});
    REQUIRE(held.size() == 1);
    CHECK(held[0].first == 1s);
    CHECK(answers.size() == before);
    held[0].second.run();
    loop.run_one();
    CHECK(last<ipc::LoginAnswer>().status == LoginStatus::granted);
    send_login("alice", "secret", {6});
    REQUIRE(held.size() == 2);
    held[1].second.refuse();
    CHECK(last<ipc::LoginAnswer>().status == LoginStatus::busy);
}

TEST_CASE_METHOD(Fixture, "a session key works while its account and its address are under attack")
{
    users.add("alice", "secret");
    const auto answer = log_in("alice", "secret", newcomer);
    const auto key = enrol(answer.login);
    REQUIRE(key.enrolled);
    for (int i = 0; i < 20; ++i) {
        const std::size_t before = answers.size();
        send_login("alice", "wrong", {}); // the key logs in from there, too
        if (answers.size() == before) loop.run_one();
    }
    CHECK(last<ipc::LoginAnswer>().status == LoginStatus::limited);
    CHECK(log_in_with_key("alice", key.session).status == LoginStatus::granted);
}

TEST_CASE_METHOD(Fixture, "session keys that are not enrolled shut nobody out who shares the address")
{
    users.add("alice", "secret");
    for (std::uint8_t i = 0; i < 100; ++i)
        CHECK(log_in_with_key("alice", SessionId{i}).status == LoginStatus::refused);
    CHECK(log_in("alice", "secret", {}).status == LoginStatus::granted);
}

TEST_CASE_METHOD(Fixture, "good and failed logins of users are remembered, those of unknown names are not")
{
    users.add("alice", "secret");
    log_in("alice", "secret", newcomer);
    log_in("alice", "wrong", attacker);
    log_in("unknown", "wrong", attacker);
    CHECK(history_changed == 3);
    CHECK(services.history.knows(*users.find("alice"), newcomer));
    REQUIRE(services.history.users().size() == 1);
    const auto& failed = services.history.users().at("alice").failed;
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].reason == "wrong password");
    CHECK(failed[0].last.peer == attacker);
}

TEST_CASE_METHOD(
    Fixture, "refusals that cost no work cannot flood the log, and those of a checked password are all there")
{
    const auto lines = [](const std::string& log, std::string_view part) {
        std::size_t count = 0;
        for (std::size_t at = log.find(part); at != std::string::npos; at = log.find(part, at + 1))
            ++count;
        return count;
    };
    users.add("alice", "secret");
    const test::CapturedLog log;
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i)
        log_in_with_key("alice", SessionId{1});
    const auto seconds =
        std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count();
    CHECK(lines(log.text(), "event=login user=alice") <= 100 * (static_cast<std::size_t>(seconds) + 2));
    CHECK(lines(log.text(), "event=login user=alice") >= 100);

    services.limiter = LoginLimiter{{.address = 1000, .account = 1000, .forget = 600s}};
    const Prehash wrong = prehash("wrong", users.realm(), "alice");
    for (int i = 0; i < 200; ++i)
        log_in_by_prehash("alice", wrong);
    CHECK(lines(log.text(), "method=prehash result=refused") == 200);
}
