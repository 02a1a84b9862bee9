#include "server/ipc/messages.hpp"

#include "server/ipc/wire.hpp"
#include "shared/base/text.hpp"

namespace ftpc::server::ipc {

namespace {

// Requests and answers share no kind, so one never passes for the other.
constexpr std::uint8_t first_request = 1;
constexpr std::uint8_t first_answer = 65;

// The fields of each message, to be written or read.
struct Fields {
    void operator()(auto& packet, Is<LogInWithPassword> auto& m) const
    {
        packet.field(m.id);
        packet.text(m.user, max_user_name_bytes);
        packet.text(m.password, max_password_bytes);
        packet.field(m.peer);
    }
    void operator()(auto& packet, Is<LogInWithPrehash> auto& m) const
    {
        packet.field(m.id);
        packet.text(m.user, max_user_name_bytes);
        packet.fields(m.prehash, m.peer);
    }
    void operator()(auto& packet, Is<LogInWithSessionKey> auto& m) const
    {
        packet.field(m.id);
        packet.text(m.user, max_user_name_bytes);
        packet.fields(m.session, m.binding, m.signature, m.peer);
    }
    void operator()(auto& packet, Is<EnrolSessionKey> auto& m) const
    {
        packet.fields(m.id, m.login, m.key, m.lifetime_seconds);
    }
    void operator()(auto& packet, Is<EndSessionKey> auto& m) const
    {
        packet.fields(m.id, m.login, m.own, m.session);
    }
    void operator()(auto& packet, Is<ListSessionKeys> auto& m) const { packet.fields(m.id, m.login); }
    void operator()(auto& packet, Is<LoginEnded> auto& m) const { packet.field(m.login); }
    void operator()(auto& packet, Is<Withdraw> auto& m) const { packet.field(m.id); }

    void operator()(auto& packet, Is<RealmIs> auto& m) const { packet.text(m.realm, max_realm_bytes); }
    void operator()(auto& packet, Is<LoginAnswer> auto& m) const
    {
        packet.fields(m.id, m.status, m.login);
        packet.text(m.home, max_home_bytes);
        packet.fields(m.max_dirs, m.retry_seconds);
    }
    void operator()(auto& packet, Is<EnrolAnswer> auto& m) const
    {
        packet.fields(m.id, m.enrolled, m.session, m.expires);
    }
    void operator()(auto& packet, Is<EndAnswer> auto& m) const { packet.fields(m.id, m.status); }
    void operator()(auto& packet, Is<ListAnswer> auto& m) const
    {
        packet.field(m.id);
        packet.list(m.keys, max_listed_keys,
                    [&](auto& key) { packet.fields(key.session, key.created, key.expires); });
    }
    void operator()(auto& packet, Is<LoginRevoked> auto& m) const { packet.field(m.login); }
    void operator()(auto& packet, Is<LimitChanged> auto& m) const { packet.fields(m.login, m.max_dirs); }
};

bool is_user_name_or_none(std::string_view user)
{
    return user.empty() || is_user_name(user);
}

// Whether a message that was read says what one of its kind may say.
struct IsSound {
    bool operator()(const auto&) const { return true; }
    bool operator()(const LogInWithPassword& m) const
    {
        return is_user_name_or_none(m.user) && check_password(view(m.password));
    }
    bool operator()(const LogInWithPrehash& m) const { return is_user_name_or_none(m.user); }
    bool operator()(const LogInWithSessionKey& m) const { return is_user_name_or_none(m.user); }
    bool operator()(const EndSessionKey& m) const { return !m.own || m.session == SessionId{}; }
    bool operator()(const RealmIs& m) const { return is_realm(m.realm); }
    bool operator()(const LoginAnswer& m) const
    {
        const bool known = m.status >= LoginStatus::granted && m.status <= LoginStatus::limited;
        const bool says_nothing = m.login == LoginHandle{} && m.home.empty() && !m.max_dirs;
        return known && (m.status == LoginStatus::granted) != says_nothing &&
               (m.status == LoginStatus::limited) == (m.retry_seconds != 0);
    }
    bool operator()(const EndAnswer& m) const
    {
        return m.status >= EndStatus::ended && m.status <= EndStatus::not_written;
    }
};

template <class Message>
Result<Message> decode(std::span<const char> packet, std::uint8_t first_kind)
{
    auto message = decode_message<Message>(packet, first_kind, Fields{});
    if (message && !std::visit(IsSound{}, *message)) return Errc::bad_message;
    return message;
}

} // namespace

SecretText encode(const Request& message)
{
    return encode_message(message, first_request, Fields{});
}

SecretText encode(const Answer& message)
{
    return encode_message(message, first_answer, Fields{});
}

Result<Request> decode_request(std::span<const char> packet)
{
    return decode<Request>(packet, first_request);
}

Result<Answer> decode_answer(std::span<const char> packet)
{
    return decode<Answer>(packet, first_answer);
}

} // namespace ftpc::server::ipc
