#include "shared/base/error.hpp"

#include "support/catch.hpp"

#include <set>
#include <string>

using namespace ftpc;

TEST_CASE("every error has a sentence of its own, without a full stop")
{
    std::set<std::string> sentences;
    for (int code = static_cast<int>(Errc::unknown_verb); code <= static_cast<int>(Errc::crypto_failed);
         ++code) {
        const auto sentence = make_error_code(static_cast<Errc>(code)).message();
        CAPTURE(code, sentence);
        CHECK(sentence != "unknown error");
        CHECK(!sentence.ends_with('.'));
        CHECK(sentences.insert(sentence).second);
    }
    CHECK(error_code{99, make_error_code(Errc::bad_hash).category()}.message() == "unknown error");
}

TEST_CASE("errors of ftpc and of the system do not mix")
{
    CHECK(make_error_code(Errc::unknown_verb) != error_code{1, boost::system::system_category()});
    CHECK(make_error_code(Errc::bad_argument) == Errc::bad_argument);
    CHECK(make_error_code(Errc::bad_argument) != Errc::bad_base64);
}
