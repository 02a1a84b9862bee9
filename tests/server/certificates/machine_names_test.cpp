#include "server/certificates/machine_names.hpp"

#include "support/catch.hpp"

#include <string>

using namespace ftpc::server;

TEST_CASE("a host name is labels of letters, digits, - and _ with dots between them")
{
    for (const char* const name :
         {"localhost", "files.example.org", "FILES", "a_b", "1", "xn--mnchen-3ya.de"})
        CHECK(is_host_name(name));
    for (const char* const other :
         {"", ".", "a.", ".a", "a..b", "a,DNS:b", "a b", "*.example.org", "(none)", "a\nb", "m\xC3\xBCnchen"})
        CHECK_FALSE(is_host_name(other));
    CHECK(is_host_name(std::string(63, 'a')));
    CHECK_FALSE(is_host_name(std::string(64, 'a')));
    std::string many = "a";
    while (many.size() <= 253)
        many += ".a";
    CHECK_FALSE(is_host_name(many));
}

TEST_CASE("the addresses of this machine include those of the loopback interface")
{
    const auto addresses = interface_addresses();
    CHECK(addresses.contains("127.0.0.1"));
    CHECK(addresses.contains("::1"));
    CHECK_FALSE(addresses.contains(""));
}
