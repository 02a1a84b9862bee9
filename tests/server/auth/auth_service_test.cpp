#include "server/auth/auth_service.hpp"

#include "memory_user_store.hpp"
#include "server/config/settings.hpp"
#include "server/ipc/channel.hpp"
#include "server/ipc/control.hpp"
#include "server/ipc/messages.hpp"
#include "server/users/user_line.hpp"
#include "server/users/users_file.hpp"
#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"
#include "support/time_scale.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <optional>
#include <set>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using ipc::LoginStatus;

namespace {

// Waits for a packet, or for the end of the channel, which is an empty packet.
ipc::Packet receive(int channel)
{
    pollfd waiting{channel, POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, static_cast<int>(test::patience().count())) == 1);
    return ipc::receive_packet(channel, ipc::max_control_bytes).value();
}

bool is_closed(int channel)
{
    pollfd waiting{channel, POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, static_cast<int>(test::patience().count())) == 1);
    const auto packet = ipc::receive_packet(channel, ipc::max_control_bytes);
    return !packet || packet->bytes.empty();
}

bool becomes_writable(int channel)
{
    pollfd waiting{channel, POLLOUT, 0};
    return ::poll(&waiting, 1, 200) == 1;
}

// The auth service in a thread of its own; this side is the supervisor, and net.
struct Service {
    test::TemporaryDirectory data;
    Settings settings;
    std::pair<UniqueFd, UniqueFd> control = ipc::make_channel();
    std::future<int> served;
    UniqueFd net;
    std::uint32_t channel_number = 0;

    Service()
    {
        settings.data = data.path();
        settings.scrypt = test::cheap;
        settings.hash_workers = 1;
        settings.lockdown = LockdownMode::off; // it would be that of all tests
        served = std::async(std::launch::async,
                            [fd = control.second.release()] { return serve_auth(UniqueFd{fd}); });
    }
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service()
    {
        control.first.reset();
        if (served.valid()) served.wait();
    }

    void order(const ipc::Order& what, int descriptor = -1)
    {
        const auto packet = ipc::encode(what);
        const auto descriptors =
            descriptor < 0 ? std::span<const int>{} : std::span<const int>{&descriptor, 1};
        REQUIRE(ipc::send_packet(control.first.get(), packet, descriptors));
    }
    ipc::Report configure(int descriptor = -1)
    {
        ipc::Configure message;
        message.settings = settings_text(settings);
        order(message, descriptor);
        return ipc::decode_report(receive(control.first.get()).bytes).value();
    }
    ipc::Report start() { return configure(data.fd()); }

    // A new channel to net, which says the realm first.
    std::string connect()
    {
        auto ends = ipc::make_channel();
        order(ipc::Connect{++channel_number}, ends.second.get());
        net = std::move(ends.first);
        return answer<ipc::RealmIs>().realm;
    }
    // The number of the channel that the service reports as lost.
    std::uint32_t lost_channel()
    {
        const auto report = ipc::decode_report(receive(control.first.get()).bytes).value();
        REQUIRE(std::holds_alternative<ipc::ChannelLost>(report));
        return std::get<ipc::ChannelLost>(report).number;
    }
    void ask(const ipc::Request& request) { REQUIRE(ipc::send_packet(net.get(), ipc::encode(request))); }

    template <class T>
    T answer()
    {
        const auto message = ipc::decode_answer(receive(net.get()).bytes).value();
        REQUIRE(std::holds_alternative<T>(message));
        return std::get<T>(message);
    }
    ipc::LoginAnswer log_in(const std::string& user, const std::string& password)
    {
        ask(ipc::LogInWithPassword{.id = 1, .user = user, .password = secret_text(password)});
        return answer<ipc::LoginAnswer>();
    }

    ipc::LoginAnswer log_in_with(const SessionKeyPair& pair, const SessionId& session,
                                 const std::string& user)
    {
        const ChannelBinding binding{5};
        ask(ipc::LogInWithSessionKey{.id = 3,
                                     .user = user,
                                     .session = session,
                                     .binding = binding,
                                     .signature = sign_session(pair.private_key, binding, session, user)});
        return answer<ipc::LoginAnswer>();
    }

    // As `ftpcd user` does it, from another process in truth.
    void edit(const UsersFile::Edit& change)
    {
        UsersFile users{data.fd(), data.path()};
        REQUIRE(users.edit(change).empty());
    }
    void add(const std::string& name, const std::string& password)
    {
        edit([&](const UsersTable& now) -> UsersFile::Edited {
            const auto hash = make_password_hash(prehash(password, now.realm(), name), test::cheap, {});
            return now.adding({.name = name,
                               .password_hash = to_text(hash),
                               .home = name,
                               .generation = 1,
                               .max_dirs = {}});
        });
    }
    void lock(const std::string& name)
    {
        edit([&](const UsersTable& now) -> UsersFile::Edited {
            User user = now.find(name).value();
            user.locked = true;
            user.generation += 1;
            return now.replacing(user);
        });
    }
    void write_private(const std::string& name, const std::string& text)
    {
        REQUIRE(replace_file(data.fd(), name.c_str(), text, 0600));
    }
};

} // namespace

TEST_CASE_METHOD(Service, "the first order makes users.db if there is none, and the service is ready")
{
    CHECK(std::get<ipc::Ready>(start()).users == 0);
    UsersFile users{data.fd(), data.path()};
    REQUIRE(users.load().empty());
    CHECK(connect() == users.realm());
}

TEST_CASE_METHOD(Service, "a user logs in, and an unknown name does not")
{
    REQUIRE(ensure_users_file(data.fd()));
    add("alice", "secret");
    CHECK(std::get<ipc::Ready>(start()).users == 1);
    connect();
    CHECK(log_in("alice", "secret").home == "alice");
    CHECK(log_in("alice", "wrong").status == LoginStatus::refused);
    CHECK(log_in("bob", "secret").status == LoginStatus::refused);
}

TEST_CASE_METHOD(Service, "Stop ends the service with status 0, and so does the end of the supervisor")
{
    REQUIRE(std::holds_alternative<ipc::Ready>(start()));
    SECTION("Stop")
    {
        order(ipc::Stop{});
    }
    SECTION("end of the supervisor")
    {
        control.first.reset();
    }
    REQUIRE(served.wait_for(test::patience()) == std::future_status::ready);
    CHECK(served.get() == 0);
}

TEST_CASE_METHOD(Service, "a broken users.db refuses the start with file, line and reason")
{
    write_private("users.db", "realm r\nnonsense\n");
    CHECK_THAT(std::get<ipc::Failed>(start()).reason, test::starts_with("users.db:2: "));
    REQUIRE(served.wait_for(test::patience()) == std::future_status::ready);
    CHECK(served.get() == 1);
}

TEST_CASE_METHOD(Service, "a broken sessions.db is set aside and does not stop the logins")
{
    write_private("users.db", "realm r\n");
    write_private("sessions.db", "nonsense\n");
    CHECK(std::get<ipc::Ready>(start()).users == 0);
    CHECK(data.read("sessions.db").find("nonsense") == std::string::npos);
}

TEST_CASE_METHOD(Service, "a lost users.db is not replaced by an empty one while there are session keys")
{
    write_private("sessions.db", "# keys of users who are gone\n");
    CHECK_THAT(std::get<ipc::Failed>(start()).reason, test::starts_with("users.db: "));
    CHECK(::faccessat(data.fd(), "users.db", F_OK, 0) != 0);
}

TEST_CASE_METHOD(Service, "a malformed order ends the service")
{
    REQUIRE(ipc::send_packet(control.first.get(), secret_text("nonsense")));
    REQUIRE(served.wait_for(test::patience()) == std::future_status::ready);
    CHECK(served.get() == 1);
}

TEST_CASE_METHOD(Service, "a user who is locked while the service runs is logged out, without any order")
{
    REQUIRE(ensure_users_file(data.fd()));
    add("alice", "secret");
    start();
    connect();
    const auto login = log_in("alice", "secret");
    const auto pair = make_session_key_pair();
    ask(ipc::EnrolSessionKey{2, login.login, pair.public_key, 60});
    const auto key = answer<ipc::EnrolAnswer>();
    REQUIRE(key.enrolled);
    lock("alice");
    CHECK(answer<ipc::LoginRevoked>().login == login.login);
    CHECK(log_in("alice", "secret").status == LoginStatus::refused);
    CHECK(log_in_with(pair, key.session, "alice").status == LoginStatus::refused);
}

TEST_CASE_METHOD(Service,
                 "another realm is announced as soon as users.db has it, also after a mistake in between")
{
    start();
    connect();
    write_private("users.db", "realm broken");
    write_private("users.db", "realm other\n");
    CHECK(answer<ipc::RealmIs>().realm == "other");
}

TEST_CASE_METHOD(Service, "a users.db that breaks keeps the last good users, and a reload says what is wrong")
{
    REQUIRE(ensure_users_file(data.fd()));
    add("alice", "secret");
    start();
    connect();
    write_private("users.db", "realm r\nuser x\n");
    CHECK_THAT(std::get<ipc::Failed>(configure()).reason, test::starts_with("users.db:2: "));
    CHECK(log_in("alice", "secret").status == LoginStatus::granted);
    write_private("users.db", "realm r\n");
    CHECK(std::get<ipc::Ready>(configure()).users == 0);
}

TEST_CASE_METHOD(Service, "session keys and users survive a restart of the service")
{
    REQUIRE(ensure_users_file(data.fd()));
    add("alice", "secret");
    start();
    connect();
    const auto pair = make_session_key_pair();
    ask(ipc::EnrolSessionKey{2, log_in("alice", "secret").login, pair.public_key, 0});
    const auto key = answer<ipc::EnrolAnswer>();
    order(ipc::Stop{});
    REQUIRE(served.wait_for(test::patience()) == std::future_status::ready);

    control = ipc::make_channel();
    served =
        std::async(std::launch::async, [fd = control.second.release()] { return serve_auth(UniqueFd{fd}); });
    start();
    connect();
    CHECK(log_in_with(pair, key.session, "alice").status == LoginStatus::granted);
}

TEST_CASE_METHOD(Service, "net may connect anew, and the handles of before are worth nothing then")
{
    REQUIRE(ensure_users_file(data.fd()));
    add("alice", "secret");
    start();
    connect();
    const auto login = log_in("alice", "secret");
    const UniqueFd before = std::move(net);
    connect();
    CHECK(is_closed(before.get()));
    ask(ipc::EnrolSessionKey{2, login.login, {}, 0});
    CHECK_FALSE(answer<ipc::EnrolAnswer>().enrolled);
}

TEST_CASE_METHOD(Service, "bytes that are no request end net's channel, and the service goes on")
{
    start();
    connect();
    REQUIRE(ipc::send_packet(net.get(), secret_text("nonsense")));
    CHECK(is_closed(net.get()));
    CHECK(lost_channel() == channel_number);
    const std::string realm = connect();
    CHECK_FALSE(realm.empty());
}

TEST_CASE_METHOD(Service, "net that reads no answers is read no further, and gets each answer once it reads")
{
    start();
    connect();
    REQUIRE(::fcntl(net.get(), F_SETFL, O_NONBLOCK) == 0);
    constexpr ipc::RequestId most = 100'000;
    ipc::RequestId asked = 0;
    const auto ask_one = [&] {
        return ipc::send_packet(net.get(), ipc::encode(ipc::Request{ipc::ListSessionKeys{asked, {}}}));
    };
    // Until nothing moves any more.
    bool has_room = true;
    while (asked < most && has_room) {
        if (ask_one())
            ++asked;
        else
            has_room = becomes_writable(net.get());
    }
    REQUIRE(asked < most);
    for (ipc::RequestId id = 0; id < asked; ++id)
        REQUIRE(answer<ipc::ListAnswer>().id == id);
}

TEST_CASE_METHOD(Service, "a change of thousands of logins reaches net that reads them late")
{
    REQUIRE(ensure_users_file(data.fd()));
    add("alice", "secret");
    start();
    connect();
    const auto first = log_in("alice", "secret");
    const auto pair = make_session_key_pair();
    ask(ipc::EnrolSessionKey{2, first.login, pair.public_key, 0});
    const auto key = answer<ipc::EnrolAnswer>();
    const auto signature = sign_session(pair.private_key, {}, key.session, "alice");
    constexpr std::size_t logins = 4500;
    const test::CapturedLog log;
    std::set<ipc::LoginHandle> handles{first.login};
    while (handles.size() < logins) {
        ask(ipc::LogInWithSessionKey{
            .id = 3, .user = "alice", .session = key.session, .binding = {}, .signature = signature});
        handles.insert(answer<ipc::LoginAnswer>().login);
    }
    edit([](const UsersTable& now) -> UsersFile::Edited {
        User user = now.find("alice").value();
        user.max_dirs = 7;
        return now.replacing(user);
    });
    REQUIRE(std::holds_alternative<ipc::Ready>(configure())); // it has seen the change
    auto unchanged = handles;
    while (!unchanged.empty())
        REQUIRE(unchanged.erase(answer<ipc::LimitChanged>().login) == 1);
    lock("alice");
    REQUIRE(std::holds_alternative<ipc::Ready>(configure()));
    while (!handles.empty())
        REQUIRE(handles.erase(answer<ipc::LoginRevoked>().login) == 1);
    ask(ipc::ListSessionKeys{4, {}});
    CHECK(answer<ipc::ListAnswer>().id == 4);
}

TEST_CASE_METHOD(Service, "an older hash is renewed on disk by a login")
{
    REQUIRE(ensure_users_file(data.fd()));
    add("alice", "secret");
    settings.scrypt.ln = 11;
    start();
    connect();
    CHECK(log_in("alice", "secret").status == LoginStatus::granted);
    // The one worker renews before it takes the next login.
    CHECK(log_in("alice", "secret").status == LoginStatus::granted);
    UsersFile users{data.fd(), data.path()};
    REQUIRE(users.load().empty());
    CHECK(parse_password_hash(users.find("alice")->password_hash)->cost.ln == 11);
}
