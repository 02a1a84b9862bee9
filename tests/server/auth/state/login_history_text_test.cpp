#include "server/auth/state/login_history_text.hpp"

#include "shared/files/file.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

constexpr ipc::PeerAddress home{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7};
constexpr ipc::PeerAddress abroad{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5};

SavedLogins example()
{
    SavedLogins saved;
    UserLogins& alice = saved.users["alice"];
    alice.generation = 0x0123456789abcdefULL;
    alice.known = {{network_of(abroad), 5}, {home, 7}};
    alice.good = LoginFrom{7, home, "session-key"};
    alice.failed.resize(2);
    alice.failed[0].last = {8, abroad, "prehash"};
    alice.failed[0].times = 3;
    alice.failed[0].reason = "wrong password";
    alice.failed[1].last = {9, home, "password"};
    alice.failed[1].reason = "the user is locked";
    saved.users["bob"];
    saved.limiter.addresses = {{network_of(abroad), Moment{2000ms}, Moment{1000ms}}};
    saved.limiter.accounts = {{account_key("alice"), Moment{4000ms}, Moment{3000ms}}};
    return saved;
}

std::string text_of(const SavedLogins& saved)
{
    return login_history_text(saved.users, saved.limiter);
}

} // namespace

TEST_CASE("the history of logins is printed and parsed back")
{
    for (const SavedLogins& saved : {example(), SavedLogins{}}) {
        const auto parsed = parse_login_history(text_of(saved));
        REQUIRE(parsed);
        CHECK(*parsed == saved);
    }
}

TEST_CASE("the lines of the file are those that are documented")
{
    const std::string text = text_of(example());
    for (const char* line :
         {"\nuser alice 0123456789abcdef\n", "\nknown 2001:db8:0:1:: 5\n", "\ngood 7 192.0.2.7 session-key\n",
          "\nfailed 8 3 2001:db8:0:1::5 prehash wrong password\n", "\naddress 2001:db8:0:1:: 2000 1000\n"})
        CHECK(text.find(line) != std::string::npos);
}

TEST_CASE("a history that is cut off anywhere within a line is refused")
{
    const std::string text = text_of(example());
    for (std::size_t size = 1; size < text.size(); ++size)
        if (text[size - 1] != '\n') CHECK_FALSE(parse_login_history(text.substr(0, size)));
}

TEST_CASE("a history with a wrong line is refused")
{
    const std::string user = "user alice 0000000000000001\n";
    for (const std::string& text :
         {std::string{"known 192.0.2.7 5\n"}, std::string{"user Alice 0000000000000001\n"}, user + user,
          std::string{"user alice 1\n"}, user + "known 2001:db8::5 5\n", user + "known 192.0.2.7 -5\n",
          user + "known 192.0.2.7 99999999999999999999\n", user + "good 7 192.0.2.7 magic\n",
          user + "good 7 192.0.2.7 password\ngood 7 192.0.2.7 password\n",
          user + "failed 8 3 192.0.2.7 password \x1b[2J\n", user + "failed 8 3 192.0.2.7 password \n",
          user + "elephant\n", std::string{"address 192.0.2.7 5\n"}, std::string{"account 00 1 2\n"}}) {
        INFO(text);
        CHECK_FALSE(parse_login_history(text));
    }
}

TEST_CASE("a missing history is empty, and one that others may read is refused")
{
    const test::TemporaryDirectory data;
    const auto nothing = read_login_history(data.fd());
    REQUIRE(nothing);
    CHECK(*nothing == SavedLogins{});
    REQUIRE(replace_file(data.fd(), login_history_file_name, text_of(example()), S_IRUSR | S_IWUSR));
    CHECK(read_login_history(data.fd()).value() == example());
    REQUIRE(::fchmodat(data.fd(), login_history_file_name, 0644, 0) == 0);
    CHECK_FALSE(read_login_history(data.fd()));
}
