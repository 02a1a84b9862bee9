#include "client/terminal/locale.hpp"

#include "support/catch.hpp"

#include <clocale>
#include <cstdlib>

using namespace ftpc::client;

namespace {

// Runs with LC_ALL=`name`, and puts the locale C back.
class InLocale {
public:
    explicit InLocale(const char* name)
    {
        ::setenv("LC_ALL", name, 1);
        use_locale_of_user();
    }
    InLocale(const InLocale&) = delete;
    InLocale& operator=(const InLocale&) = delete;
    ~InLocale()
    {
        ::unsetenv("LC_ALL");
        std::setlocale(LC_ALL, "C");
    }
};

} // namespace

TEST_CASE("in the locale C names are compared bytewise")
{
    const InLocale c{"C"};
    CHECK(comes_before("B", "a"));
    CHECK(comes_before("a", "\xC3\xA4"));
    CHECK_FALSE(comes_before("a", "a"));
    CHECK_FALSE(has_utf8_locale());
}

TEST_CASE("a locale that is not there is the locale C")
{
    const InLocale none{"xx_NOWHERE.UTF-8"};
    CHECK_FALSE(has_utf8_locale());
}

TEST_CASE("wide characters take two columns and combining ones none, if the locale is UTF-8")
{
    const InLocale utf8{"C.UTF-8"};
    REQUIRE(has_utf8_locale());
    CHECK(columns_of("abc") == 3);
    CHECK(columns_of("资料") == 4);
    CHECK(columns_of("e\xCC\x81") == 1);
    CHECK(columns_of("Größe") == 5);
}

TEST_CASE("in a locale without these characters each of them counts as one column")
{
    const InLocale c{"C"};
    CHECK(columns_of("Größe") == 5);
    CHECK(columns_of("资料") == 2);
}

TEST_CASE("bytes that are no text have a width, too")
{
    const InLocale utf8{"C.UTF-8"};
    CHECK(columns_of("a\xff") == 2);
}
