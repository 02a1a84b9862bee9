#include "server/ipc/messages.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server::ipc;

namespace {

template <class Array>
Array filled(std::uint8_t value)
{
    Array array;
    array.fill(value);
    return array;
}

std::vector<ListedKey> keys(std::size_t count)
{
    std::vector<ListedKey> made;
    for (std::size_t i = 0; i < count; ++i)
        made.push_back({filled<SessionId>(static_cast<std::uint8_t>(i)), i, ~0ULL - i});
    return made;
}

// One of each kind, with every bound reached somewhere.
std::vector<Request> requests()
{
    const std::string longest_name(32, 'a');
    return {
        LogInWithPassword{1, "alice", secret_text("密码"), filled<PeerAddress>(1)},
        LogInWithPassword{~0U, longest_name, secret_text(std::string(1024, 'x')), filled<PeerAddress>(255)},
        LogInWithPrehash{2, "bob", filled<Prehash>(2), filled<PeerAddress>(3)},
        LogInWithSessionKey{3, "_", filled<SessionId>(4), filled<ChannelBinding>(5),
                            filled<SessionSignature>(6), filled<PeerAddress>(7)},
        EnrolSessionKey{4, filled<LoginHandle>(8), filled<SessionPublicKey>(9), ~0U},
        EndSessionKey{5, filled<LoginHandle>(10), false, filled<SessionId>(11)},
        EndSessionKey{6, filled<LoginHandle>(12), true, {}},
        ListSessionKeys{7, filled<LoginHandle>(13)},
        LoginEnded{filled<LoginHandle>(14)},
        Withdraw{15},
    };
}

std::vector<Answer> answers()
{
    return {
        RealmIs{"r"},
        RealmIs{std::string(64, 'Z')},
        LoginAnswer{1, LoginStatus::granted, filled<LoginHandle>(1), std::string(512, 'h'), ~0ULL},
        LoginAnswer{2, LoginStatus::refused, {}, {}, {}},
        LoginAnswer{3, LoginStatus::busy, {}, {}, {}},
        LoginAnswer{12, LoginStatus::limited, {}, {}, {}, ~0U},
        EnrolAnswer{4, true, filled<SessionId>(2), ~0ULL},
        EnrolAnswer{5, false, {}, 0},
        EndAnswer{6, EndStatus::ended},
        EndAnswer{7, EndStatus::no_such_key},
        EndAnswer{8, EndStatus::not_written},
        ListAnswer{8, {}},
        ListAnswer{9, keys(max_listed_keys)},
        LoginRevoked{filled<LoginHandle>(3)},
        LoginAnswer{10, LoginStatus::granted, filled<LoginHandle>(16), "h", 0},
        LoginAnswer{11, LoginStatus::granted, filled<LoginHandle>(17), "h", {}},
        LimitChanged{filled<LoginHandle>(15), ~0ULL},
        LimitChanged{filled<LoginHandle>(15), {}},
    };
}

// The packet with the byte at `place` replaced.
SecretText with_byte(SecretText packet, std::size_t place, std::uint8_t value)
{
    packet.at(place) = static_cast<char>(value);
    return packet;
}

} // namespace

TEST_CASE("every request comes out as it went in, within the bound of a packet")
{
    for (const Request& request : requests()) {
        const SecretText packet = encode(request);
        CHECK(packet.size() <= max_message_bytes);
        const auto decoded = decode_request(packet);
        REQUIRE(decoded);
        CHECK((*decoded == request));
    }
}

TEST_CASE("every answer comes out as it went in, within the bound of a packet")
{
    for (const Answer& answer : answers()) {
        const SecretText packet = encode(answer);
        CHECK(packet.size() <= max_message_bytes);
        const auto decoded = decode_answer(packet);
        REQUIRE(decoded);
        CHECK((*decoded == answer));
    }
}

TEST_CASE("no truncated message is understood, and none with a byte too many")
{
    for (const Request& request : requests()) {
        SecretText packet = encode(request);
        for (std::size_t size = 0; size < packet.size(); ++size)
            CHECK(decode_request({packet.data(), size}).error() == Errc::bad_message);
        packet.push_back('\0');
        CHECK(decode_request(packet).error() == Errc::bad_message);
    }
    for (const Answer& answer : answers()) {
        SecretText packet = encode(answer);
        for (std::size_t size = 0; size < packet.size(); ++size)
            CHECK(decode_answer({packet.data(), size}).error() == Errc::bad_message);
        packet.push_back('\0');
        CHECK(decode_answer(packet).error() == Errc::bad_message);
    }
}

TEST_CASE("a request is no answer, and an answer no request")
{
    for (const Request& request : requests())
        CHECK_FALSE(decode_answer(encode(request)));
    for (const Answer& answer : answers())
        CHECK_FALSE(decode_request(encode(answer)));
}

TEST_CASE("only the known kinds are understood")
{
    const std::vector<int> request_kinds{1, 2, 3, 4, 5, 6, 7};
    const SecretText packet = encode(requests()[0]);
    for (int kind = 0; kind < 256; ++kind) {
        // With the fields of the first kind, no other kind's length fits.
        const auto decoded = decode_request(with_byte(packet, 0, static_cast<std::uint8_t>(kind)));
        CHECK(decoded.has_value() == (kind == request_kinds[0]));
    }
}

TEST_CASE("a limit that is not given has one form only")
{
    SecretText packet = encode(Answer{LimitChanged{{}, {}}});
    CHECK(decode_answer(packet));
    CHECK_FALSE(decode_answer(with_byte(packet, packet.size() - 1, 1)));
    CHECK_FALSE(decode_answer(with_byte(packet, 17, 2)));
}

TEST_CASE("a message that breaks a bound is not sent")
{
    CHECK_THROWS_AS(encode(Request{LogInWithPrehash{1, std::string(33, 'a'), {}, {}}}), std::length_error);
    CHECK_THROWS_AS(encode(Request{LogInWithPassword{1, "a", secret_text(std::string(1025, 'x')), {}}}),
                    std::length_error);
    CHECK_THROWS_AS(encode(Answer{RealmIs{std::string(65, 'r')}}), std::length_error);
    CHECK_THROWS_AS(encode(Answer{LoginAnswer{1, LoginStatus::granted, {}, std::string(513, 'h')}}),
                    std::length_error);
    CHECK_THROWS_AS(encode(Answer{ListAnswer{1, keys(max_listed_keys + 1)}}), std::length_error);
}

TEST_CASE("a request names a user by a name that may be one, or by none, where the client gave no such name")
{
    CHECK(decode_request(encode(Request{LogInWithPrehash{1, "", {}, {}}})));
    for (const char* name : {"Alice", "a b", "../a", "1a", "a\n"}) {
        CHECK_FALSE(decode_request(encode(Request{LogInWithPrehash{1, name, {}, {}}})));
        CHECK_FALSE(decode_request(encode(Request{LogInWithPassword{1, name, secret_text("x"), {}}})));
        CHECK_FALSE(decode_request(encode(Request{LogInWithSessionKey{.user = name}})));
    }
}

TEST_CASE("a password in a request is one that there may be")
{
    for (const char* password : {"", "\xff", "\xed\xa0\x80"})
        CHECK_FALSE(
            decode_request(encode(Request{LogInWithPassword{1, "alice", secret_text(password), {}}})));
}

TEST_CASE("a length beyond the bound of its text is not believed")
{
    // kind, id (4), length of the name (2), name
    const SecretText packet = encode(Request{LogInWithPrehash{1, std::string(32, 'a'), {}, {}}});
    CHECK(decode_request(packet));
    CHECK_FALSE(decode_request(with_byte(packet, 6, 33)));
    CHECK_FALSE(decode_request(with_byte(packet, 5, 0xFF)));
}

TEST_CASE("a flag is 0 or 1")
{
    // kind, id (4), flag
    const SecretText packet = encode(Answer{EnrolAnswer{1, true, {}, 5}});
    CHECK(decode_answer(with_byte(packet, 5, 0)));
    for (int value = 2; value < 256; ++value)
        CHECK_FALSE(decode_answer(with_byte(packet, 5, static_cast<std::uint8_t>(value))));
}

TEST_CASE("ending a key has one of three results")
{
    // kind, id (4), status
    const SecretText packet = encode(Answer{EndAnswer{1, EndStatus::ended}});
    for (int value = 0; value < 256; ++value) {
        const bool known = value >= 1 && value <= 3;
        CHECK(decode_answer(with_byte(packet, 5, static_cast<std::uint8_t>(value))).has_value() == known);
    }
}

TEST_CASE("a request to end the login's own key names no other")
{
    CHECK_FALSE(decode_request(encode(Request{EndSessionKey{1, {}, true, filled<SessionId>(1)}})));
}

TEST_CASE("a realm in an answer is one that there may be")
{
    for (const char* realm : {"", "a b", "a.b", "资"})
        CHECK_FALSE(decode_answer(encode(Answer{RealmIs{realm}})));
}

TEST_CASE("a login's status is a known one, and only a granted login says more")
{
    const auto decodes = [](const LoginAnswer& answer) {
        return decode_answer(encode(Answer{answer})).has_value();
    };
    CHECK_FALSE(decodes({1, static_cast<LoginStatus>(0), {}, {}}));
    CHECK_FALSE(decodes({1, static_cast<LoginStatus>(5), {}, {}, {}, 1}));
    CHECK_FALSE(decodes({1, LoginStatus::granted, {}, {}}));
    CHECK_FALSE(decodes({1, LoginStatus::refused, filled<LoginHandle>(1), {}}));
    CHECK_FALSE(decodes({1, LoginStatus::busy, {}, "home"}));
    CHECK_FALSE(decodes({1, LoginStatus::limited, {}, {}, {}, 0}));
    CHECK_FALSE(decodes({1, LoginStatus::refused, {}, {}, {}, 1}));
    CHECK_FALSE(decodes({1, LoginStatus::granted, filled<LoginHandle>(1), "home", {}, 1}));
}

TEST_CASE("a list of more session keys than a user can have is refused")
{
    // kind, id (4), count, keys
    SecretText packet = encode(Answer{ListAnswer{1, keys(max_listed_keys)}});
    packet = with_byte(packet, 5, max_listed_keys + 1);
    packet.resize(packet.size() + 32);
    CHECK_FALSE(decode_answer(packet));
}
