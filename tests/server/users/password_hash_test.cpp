#include "server/users/password_hash.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"
#include "vectors/vectors.hpp"

#include <sys/stat.h>

#include <set>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr ScryptCost cheap{.ln = 10, .r = 8, .p = 1};
const std::string good =
    "$scrypt$ln=15,r=8,p=3$AAECAwQFBgcICQoLDA0ODw$Qg5W4hntYClafTv/Kewp5SBSHdH00Q3tdkg5vBjZTJc";

Prehash first_prehash()
{
    Prehash prehash;
    REQUIRE(base64_decode_into(test::vectors::prehashes[0].prehash, prehash));
    return prehash;
}

Pepper pepper_of(std::string_view hex)
{
    SecretText key(hex.size() / 2);
    REQUIRE(hex_decode_into(hex, {reinterpret_cast<std::uint8_t*>(key.data()), key.size()}));
    return Pepper{std::move(key)};
}

std::string replaced(std::string text, const std::string& what, const std::string& by)
{
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

} // namespace

TEST_CASE("the hashes of the protocol page are those of their prehash, and of no other")
{
    for (const auto& vector : test::vectors::phcs) {
        const auto stored = parse_password_hash(vector.text);
        REQUIRE(stored);
        CHECK(to_text(*stored) == vector.text);
        const Pepper pepper = pepper_of(vector.pepper);
        CHECK(stored->pepper == pepper.id());
        Prehash prehash = first_prehash();
        CHECK(verify_password(prehash, *stored, pepper));
        prehash[31] ^= 1;
        CHECK_FALSE(verify_password(prehash, *stored, pepper));
    }
}

TEST_CASE("hashes of Python's hashlib with other costs, salts and peppers are verified")
{
    Prehash prehash;
    for (std::size_t i = 0; i < prehash.size(); ++i)
        prehash[i] = static_cast<std::uint8_t>(7 * i);
    SecretText key;
    for (int i = 0; i < 40; ++i)
        key.push_back(static_cast<char>(200 - i));
    const Pepper pepper{std::move(key)};
    for (const char* text : {
             "$scrypt$ln=10,r=1,p=1$/////////////////////w$Uu+HPta0iFRdGcC+pSpU+zjWsIZofCs5cVQKE/rd014",
             "$scrypt$ln=11,r=4,p=2$ZGVmZ2hpamtsbW5vcHFycw$TrsSu9UuNw0Md4nTvfrbBKtqRdf52xG9JmVZVvXhClg",
             "$scrypt$ln=12,r=8,p=1,pepper=ddd25585$AAAAAAAAAAAAAAAAAAAAAA$"
             "NmOZ4HueWES1QPxTD2LuPdlPulx9u8aeaS04z1hTA5E",
             "$scrypt$ln=10,r=32,p=1,pepper=ddd25585$8PHy8/T19vf4+fr7/P3+/"
             "w$OdPUuJmhCmhdbogv9S63kwDFp4SNhOI7GFOBxqkgz7w",
         }) {
        const auto stored = parse_password_hash(text);
        REQUIRE(stored);
        CHECK(verify_password(prehash, *stored, pepper));
    }
}

TEST_CASE("a hash that was made verifies, and has another salt each time")
{
    std::set<std::string> texts;
    for (const Pepper& pepper : {Pepper{}, pepper_of(std::string(64, 'a'))}) {
        for (int i = 0; i < 3; ++i) {
            const PasswordHash made = make_password_hash(first_prehash(), cheap, pepper);
            CHECK(parse_password_hash(to_text(made)).value() == made);
            CHECK(verify_password(first_prehash(), made, pepper));
            texts.insert(to_text(made));
        }
    }
    CHECK(texts.size() == 6);
}

TEST_CASE("a hash with a pepper matches with that pepper only")
{
    const Pepper pepper = pepper_of(std::string(64, 'a'));
    const PasswordHash made = make_password_hash(first_prehash(), cheap, pepper);
    CHECK_FALSE(verify_password(first_prehash(), made, Pepper{}));
    CHECK_FALSE(verify_password(first_prehash(), made, pepper_of(std::string(64, 'b'))));
}

TEST_CASE("a hash without a pepper goes on to match once there is one")
{
    const PasswordHash made = make_password_hash(first_prehash(), cheap, Pepper{});
    CHECK(verify_password(first_prehash(), made, pepper_of(std::string(64, 'a'))));
}

TEST_CASE("a hash is renewed when its cost or its pepper is not today's")
{
    const Pepper pepper = pepper_of(std::string(64, 'a'));
    const PasswordHash made = make_password_hash(first_prehash(), cheap, Pepper{});
    CHECK_FALSE(needs_renewal(made, cheap, Pepper{}));
    CHECK(needs_renewal(made, {.ln = 11, .r = 8, .p = 1}, Pepper{}));
    CHECK(needs_renewal(made, {.ln = 10, .r = 9, .p = 1}, Pepper{}));
    CHECK(needs_renewal(made, {.ln = 10, .r = 8, .p = 2}, Pepper{}));
    CHECK(needs_renewal(made, cheap, pepper));
}

TEST_CASE("only the PHC form that this program writes is a password hash")
{
    REQUIRE(parse_password_hash(good));
    const std::string salt = "AAECAwQFBgcICQoLDA0ODw";
    for (const std::string& bad : {
             std::string{},
             std::string{"$"},
             std::string{"$scrypt$"},
             std::string{"$6$rounds=5000$abc$def"},
             replaced(good, "$scrypt", "scrypt"),
             replaced(good, "scrypt", "argon2id"),
             replaced(good, "ln=15", "ln=015"),
             replaced(good, "ln=15", "ln=+15"),
             replaced(good, "ln=15", "ln="),
             replaced(good, "ln=15", "ln=99999999999999999999"),
             replaced(good, "ln=15,r=8", "r=8,ln=15"),
             replaced(good, "p=3", "p=3,"),
             replaced(good, "p=3", "p=3,pepper="),
             replaced(good, "p=3", "p=3,pepper=72dbb73"),
             replaced(good, "p=3", "p=3,pepper=72DBB733"),
             replaced(good, "p=3", "p=3,pepper=72dbb7333"),
             replaced(good, "p=3", "p=3,salt=72dbb733"),
             replaced(good, salt, salt + "=="),
             replaced(good, salt, salt.substr(1)),
             replaced(good, salt, "AAECAwQFBgcICQoLDA0ODx"),
             good + "$",
             good + "A",
             good + " ",
             good.substr(0, good.size() - 1),
             good.substr(0, good.rfind('$')),
         }) {
        INFO(bad);
        CHECK(parse_password_hash(bad).error() == Errc::bad_hash);
    }
}

TEST_CASE("every truncation of a password hash is refused")
{
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(parse_password_hash(good.substr(0, size)));
}

TEST_CASE("the cost of a password hash is bounded when it is read")
{
    const auto with = [](const std::string& cost) { return replaced(good, "ln=15,r=8,p=3", cost); };
    for (const char* allowed : {"ln=10,r=1,p=1", "ln=20,r=8,p=16", "ln=18,r=32,p=1"})
        CHECK(parse_password_hash(with(allowed)));
    for (const char* beyond : {"ln=9,r=8,p=1", "ln=21,r=1,p=1", "ln=15,r=0,p=1", "ln=10,r=33,p=1",
                               "ln=15,r=8,p=0", "ln=15,r=8,p=17", "ln=20,r=9,p=1", "ln=19,r=32,p=1"})
        CHECK_FALSE(parse_password_hash(with(beyond)));
}

TEST_CASE("an empty key is no pepper")
{
    CHECK_FALSE(Pepper{}.id());
    CHECK_FALSE(Pepper{SecretText{}}.id());
}

TEST_CASE("a pepper file is read as its bytes, and refused when it is short, missing or open to others")
{
    const test::TemporaryDirectory directory;
    const std::string path = directory.path("pepper");
    CHECK(read_pepper_file("").empty());
    CHECK_THROWS_WITH(read_pepper_file(path), test::contains("No such file"));
    directory.write("pepper", std::string(31, '\n'));
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(read_pepper_file(path), test::contains("at least 32"));
    directory.write("pepper", std::string(32, '\n'));
    CHECK(read_pepper_file(path) == secret_text(std::string(32, '\n')));
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    CHECK_THROWS_WITH(read_pepper_file(path), test::contains("chmod 600 " + path));
}
