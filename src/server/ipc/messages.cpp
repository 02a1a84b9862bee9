#include "server/ipc/messages.hpp"

#include "server/ipc/wire.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"

#include <algorithm>

namespace ftpc::server::ipc {

namespace {

// The first byte of every packet. Requests and answers share no number, so one never passes for the other.
enum class Kind : std::uint8_t {
    log_in_with_password = 1,
    log_in_with_prehash = 2,
    log_in_with_session_key = 3,
    enrol_session_key = 4,
    end_session_key = 5,
    list_session_keys = 6,
    login_ended = 7,
    withdraw = 8,
    realm_is = 65,
    login_answer = 66,
    enrol_answer = 67,
    end_answer = 68,
    list_answer = 69,
    login_revoked = 70,
    limit_changed = 71,
};

bool is_realm(std::string_view realm)
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    };
    return !realm.empty() && std::all_of(realm.begin(), realm.end(), allowed);
}

class Encoder {
public:
    SecretText take() { return out_.take(); }

    void operator()(const LogInWithPassword& m)
    {
        begin(Kind::log_in_with_password, m.id);
        out_.text(m.user, max_user_name_bytes);
        out_.text(view(m.password), max_password_bytes);
        out_.bytes(m.peer);
    }
    void operator()(const LogInWithPrehash& m)
    {
        begin(Kind::log_in_with_prehash, m.id);
        out_.text(m.user, max_user_name_bytes);
        out_.bytes(m.prehash);
        out_.bytes(m.peer);
    }
    void operator()(const LogInWithSessionKey& m)
    {
        begin(Kind::log_in_with_session_key, m.id);
        out_.text(m.user, max_user_name_bytes);
        out_.bytes(m.session);
        out_.bytes(m.binding);
        out_.bytes(m.signature);
        out_.bytes(m.peer);
    }
    void operator()(const EnrolSessionKey& m)
    {
        begin(Kind::enrol_session_key, m.id);
        out_.bytes(m.login);
        out_.bytes(m.key);
        out_.u32(m.lifetime_seconds);
    }
    void operator()(const EndSessionKey& m)
    {
        begin(Kind::end_session_key, m.id);
        out_.bytes(m.login);
        out_.u8(m.own ? 1 : 0);
        out_.bytes(m.session);
    }
    void operator()(const ListSessionKeys& m)
    {
        begin(Kind::list_session_keys, m.id);
        out_.bytes(m.login);
    }
    void operator()(const LoginEnded& m)
    {
        begin(Kind::login_ended);
        out_.bytes(m.login);
    }
    void operator()(const Withdraw& m) { begin(Kind::withdraw, m.id); }
    void operator()(const RealmIs& m)
    {
        begin(Kind::realm_is);
        out_.text(m.realm, max_realm_bytes);
    }
    void operator()(const LoginAnswer& m)
    {
        begin(Kind::login_answer, m.id);
        out_.u8(static_cast<std::uint8_t>(m.status));
        out_.bytes(m.login);
        out_.text(m.home, max_home_bytes);
        limit(m.max_dirs);
        out_.u32(m.retry_seconds);
    }
    void operator()(const EnrolAnswer& m)
    {
        begin(Kind::enrol_answer, m.id);
        out_.u8(m.enrolled ? 1 : 0);
        out_.bytes(m.session);
        out_.u64(m.expires);
    }
    void operator()(const EndAnswer& m)
    {
        begin(Kind::end_answer, m.id);
        out_.u8(static_cast<std::uint8_t>(m.status));
    }
    void operator()(const ListAnswer& m)
    {
        if (m.keys.size() > max_listed_keys) throw std::length_error{"too many session keys for one message"};
        begin(Kind::list_answer, m.id);
        out_.u8(static_cast<std::uint8_t>(m.keys.size()));
        for (const ListedKey& key : m.keys) {
            out_.bytes(key.session);
            out_.u64(key.created);
            out_.u64(key.expires);
        }
    }
    void operator()(const LoginRevoked& m)
    {
        begin(Kind::login_revoked);
        out_.bytes(m.login);
    }
    void operator()(const LimitChanged& m)
    {
        begin(Kind::limit_changed);
        out_.bytes(m.login);
        limit(m.max_dirs);
    }

private:
    void limit(const std::optional<std::uint64_t>& value)
    {
        out_.u8(value ? 1 : 0);
        out_.u64(value.value_or(0));
    }
    void begin(Kind kind) { out_.u8(static_cast<std::uint8_t>(kind)); }
    void begin(Kind kind, RequestId id)
    {
        begin(kind);
        out_.u32(id);
    }

    PacketWriter out_;
};

std::string read_user(PacketReader& in)
{
    std::string user{in.text(max_user_name_bytes)};
    if (!user.empty() && !is_user_name(user)) in.fail();
    return user;
}

std::optional<std::uint64_t> read_limit(PacketReader& in)
{
    const bool given = in.flag();
    const std::uint64_t value = in.u64();
    if (given) return value;
    if (value != 0) in.fail();
    return std::nullopt;
}

LogInWithPassword read_log_in_with_password(PacketReader& in)
{
    LogInWithPassword m;
    m.id = in.u32();
    m.user = read_user(in);
    m.password = secret_text(in.text(max_password_bytes));
    in.bytes(m.peer);
    if (!check_password(view(m.password))) in.fail();
    return m;
}

LogInWithPrehash read_log_in_with_prehash(PacketReader& in)
{
    LogInWithPrehash m;
    m.id = in.u32();
    m.user = read_user(in);
    in.bytes(m.prehash);
    in.bytes(m.peer);
    return m;
}

LogInWithSessionKey read_log_in_with_session_key(PacketReader& in)
{
    LogInWithSessionKey m;
    m.id = in.u32();
    m.user = read_user(in);
    in.bytes(m.session);
    in.bytes(m.binding);
    in.bytes(m.signature);
    in.bytes(m.peer);
    return m;
}

EnrolSessionKey read_enrol_session_key(PacketReader& in)
{
    EnrolSessionKey m;
    m.id = in.u32();
    in.bytes(m.login);
    in.bytes(m.key);
    m.lifetime_seconds = in.u32();
    return m;
}

EndSessionKey read_end_session_key(PacketReader& in)
{
    EndSessionKey m;
    m.id = in.u32();
    in.bytes(m.login);
    m.own = in.flag();
    in.bytes(m.session);
    if (m.own && m.session != SessionId{}) in.fail();
    return m;
}

ListSessionKeys read_list_session_keys(PacketReader& in)
{
    ListSessionKeys m;
    m.id = in.u32();
    in.bytes(m.login);
    return m;
}

LoginEnded read_login_ended(PacketReader& in)
{
    LoginEnded m;
    in.bytes(m.login);
    return m;
}

Withdraw read_withdraw(PacketReader& in)
{
    return Withdraw{in.u32()};
}

RealmIs read_realm_is(PacketReader& in)
{
    RealmIs m{std::string{in.text(max_realm_bytes)}};
    if (!is_realm(m.realm)) in.fail();
    return m;
}

LoginAnswer read_login_answer(PacketReader& in)
{
    LoginAnswer m;
    m.id = in.u32();
    m.status = static_cast<LoginStatus>(in.u8());
    in.bytes(m.login);
    m.home = in.text(max_home_bytes);
    m.max_dirs = read_limit(in);
    m.retry_seconds = in.u32();
    const bool known = m.status >= LoginStatus::granted && m.status <= LoginStatus::limited;
    const bool says_nothing = m.login == LoginHandle{} && m.home.empty() && !m.max_dirs;
    if (!known || (m.status == LoginStatus::granted) == says_nothing) in.fail();
    if ((m.status == LoginStatus::limited) == (m.retry_seconds == 0)) in.fail();
    return m;
}

EnrolAnswer read_enrol_answer(PacketReader& in)
{
    EnrolAnswer m;
    m.id = in.u32();
    m.enrolled = in.flag();
    in.bytes(m.session);
    m.expires = in.u64();
    return m;
}

EndAnswer read_end_answer(PacketReader& in)
{
    EndAnswer m;
    m.id = in.u32();
    m.status = static_cast<EndStatus>(in.u8());
    if (m.status < EndStatus::ended || m.status > EndStatus::not_written) in.fail();
    return m;
}

ListAnswer read_list_answer(PacketReader& in)
{
    ListAnswer m;
    m.id = in.u32();
    const std::size_t count = in.u8();
    if (count > max_listed_keys) in.fail();
    while (in.ok() && m.keys.size() < count) {
        ListedKey& key = m.keys.emplace_back();
        in.bytes(key.session);
        key.created = in.u64();
        key.expires = in.u64();
    }
    return m;
}

LoginRevoked read_login_revoked(PacketReader& in)
{
    LoginRevoked m;
    in.bytes(m.login);
    return m;
}

LimitChanged read_limit_changed(PacketReader& in)
{
    LimitChanged m;
    in.bytes(m.login);
    m.max_dirs = read_limit(in);
    return m;
}

Result<Request> read_request(PacketReader& in)
{
    switch (static_cast<Kind>(in.u8())) {
    case Kind::log_in_with_password:
        return Request{read_log_in_with_password(in)};
    case Kind::log_in_with_prehash:
        return Request{read_log_in_with_prehash(in)};
    case Kind::log_in_with_session_key:
        return Request{read_log_in_with_session_key(in)};
    case Kind::enrol_session_key:
        return Request{read_enrol_session_key(in)};
    case Kind::end_session_key:
        return Request{read_end_session_key(in)};
    case Kind::list_session_keys:
        return Request{read_list_session_keys(in)};
    case Kind::login_ended:
        return Request{read_login_ended(in)};
    case Kind::withdraw:
        return Request{read_withdraw(in)};
    default:
        return Errc::bad_message;
    }
}

Result<Answer> read_answer(PacketReader& in)
{
    switch (static_cast<Kind>(in.u8())) {
    case Kind::realm_is:
        return Answer{read_realm_is(in)};
    case Kind::login_answer:
        return Answer{read_login_answer(in)};
    case Kind::enrol_answer:
        return Answer{read_enrol_answer(in)};
    case Kind::end_answer:
        return Answer{read_end_answer(in)};
    case Kind::list_answer:
        return Answer{read_list_answer(in)};
    case Kind::login_revoked:
        return Answer{read_login_revoked(in)};
    case Kind::limit_changed:
        return Answer{read_limit_changed(in)};
    default:
        return Errc::bad_message;
    }
}

} // namespace

SecretText encode(const Request& message)
{
    Encoder encoder;
    std::visit(encoder, message);
    return encoder.take();
}

SecretText encode(const Answer& message)
{
    Encoder encoder;
    std::visit(encoder, message);
    return encoder.take();
}

Result<Request> decode_request(std::span<const char> packet)
{
    PacketReader in{packet};
    auto message = read_request(in);
    if (!message || !in.complete()) return Errc::bad_message;
    return message;
}

Result<Answer> decode_answer(std::span<const char> packet)
{
    PacketReader in{packet};
    auto message = read_answer(in);
    if (!message || !in.complete()) return Errc::bad_message;
    return message;
}

} // namespace ftpc::server::ipc
