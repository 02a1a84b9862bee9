#include "shared/protocol/session_key.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "vectors/vectors.hpp"

#include <algorithm>

using namespace ftpc;
using test::unhex_array;

namespace vectors = test::vectors;

namespace {

struct Login {
    SessionKeyPair keys = make_session_key_pair();
    ChannelBinding binding{1, 2, 3};
    SessionId id{4, 5, 6};
    SessionSignature signature = sign_session(keys.private_key, binding, id, "alice");
};

} // namespace

TEST_CASE("a session signature is the vector of docs/protocol.md")
{
    SessionPrivateKey key;
    REQUIRE(hex_decode_into(vectors::session_private_key, key));
    const auto public_key = unhex_array<32>(vectors::session_public_key);
    const auto binding = unhex_array<32>(vectors::session_binding);
    const auto id = unhex_array<16>(vectors::session_id);
    const auto signature = sign_session(key, binding, id, vectors::session_user);
    CHECK(base64_encode(signature) == vectors::session_signature);
    CHECK(verify_session(public_key, binding, id, vectors::session_user, signature));
}

TEST_CASE("a signature by a new key is recognised by its public half")
{
    const Login login;
    CHECK(verify_session(login.keys.public_key, login.binding, login.id, "alice", login.signature));
}

TEST_CASE("a key of small order is weak in all its encodings, and no signature fits it")
{
    // A signature with R = 0 * B, the neutral element, and S = 0 fits any text under the neutral element as
    // key.
    SessionSignature forged{};
    forged[0] = 1;
    for (const char* const y : {"0000000000000000000000000000000000000000000000000000000000000000",
                                "0100000000000000000000000000000000000000000000000000000000000000",
                                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
        SessionPublicKey key = unhex_array<32>(y);
        for (const bool negative_x : {false, true}) {
            key.back() = static_cast<std::uint8_t>((key.back() & 0x7F) | (negative_x ? 0x80 : 0));
            CHECK(is_weak_key(key));
            for (std::uint8_t n = 0; n < 16; ++n) // with a key of order 8 it fits every eighth text or so
                CHECK_FALSE(verify_session(key, ChannelBinding{n}, SessionId{}, "alice", forged));
        }
    }
    for (int i = 0; i < 8; ++i)
        CHECK_FALSE(is_weak_key(make_session_key_pair().public_key));
}

TEST_CASE("a signature is good for its connection, session and user only")
{
    const Login login;
    ChannelBinding other_connection = login.binding;
    other_connection[31] ^= 1;
    SessionId other_session = login.id;
    other_session[15] ^= 1;
    const auto& key = login.keys.public_key;
    CHECK(!verify_session(key, other_connection, login.id, "alice", login.signature));
    CHECK(!verify_session(key, login.binding, other_session, "alice", login.signature));
    CHECK(!verify_session(key, login.binding, login.id, "bob", login.signature));
    CHECK(!verify_session(key, login.binding, login.id, "alicea", login.signature));
    CHECK(!verify_session(key, login.binding, login.id, "", login.signature));
    CHECK(!verify_session(Login{}.keys.public_key, login.binding, login.id, "alice", login.signature));
}

TEST_CASE("a signature with any bit changed is not recognised")
{
    const Login login;
    for (std::size_t bit = 0; bit < login.signature.size() * 8; ++bit) {
        SessionSignature changed = login.signature;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        CHECK(!verify_session(login.keys.public_key, login.binding, login.id, "alice", changed));
    }
}

TEST_CASE("signatures and keys that are no points of the curve are refused, not an error")
{
    const Login login;
    SessionSignature all_ones;
    all_ones.fill(0xff);
    SessionPublicKey no_point;
    no_point.fill(0xff);
    CHECK(!verify_session(login.keys.public_key, login.binding, login.id, "alice", SessionSignature{}));
    CHECK(!verify_session(login.keys.public_key, login.binding, login.id, "alice", all_ones));
    CHECK(!verify_session(no_point, login.binding, login.id, "alice", login.signature));
}

TEST_CASE("each session key is new")
{
    const auto one = make_session_key_pair();
    const auto two = make_session_key_pair();
    CHECK(one.public_key != two.public_key);
    CHECK(one.private_key != two.private_key);
}
