// MKD, CWD, CDUP, PWD and SITE MKDIR: which path they mean and how their end is told.
#include "server/ftp/session/session_driver.hpp"
#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

RemotePath path(std::string_view text)
{
    return RemotePath{}.resolve(text).value();
}

error_code system_error(int number)
{
    return {number, boost::system::system_category()};
}

std::string names(const std::string& name, int count)
{
    std::string all;
    for (int i = 0; i < count; ++i)
        all += (i == 0 ? "" : "/") + name;
    return all;
}

struct DirectoryTest : test::SessionDriver {
    DirectoryTest() { log_in(); }
};

} // namespace

TEST_CASE_METHOD(DirectoryTest, "a path is meant from the working directory, and never above the home")
{
    change_directory("/a/b");
    CHECK(outcome("MKD c") == "make here /a/b/c");
    CHECK(outcome("MKD c/") == "make /a/b/c");
    CHECK(outcome("MKD ./c") == "make /a/b/c");
    CHECK(outcome("MKD ../c") == "make /a/c");
    CHECK(outcome("MKD ../../../../../c") == "make /c");
    CHECK(outcome("MKD /c//d/") == "make /c/d");
    CHECK(outcome("MKD c\\d") == "make here /a/b/c\\d");
    CHECK(outcome("MKD ..\\..\\c") == "make here /a/b/..\\..\\c");
    CHECK(outcome("MKD ...") == "make here /a/b/...");
    CHECK(outcome("MKD .") == "make /a/b");
    CHECK(outcome("MKD ..") == "make /a");
    CHECK(outcome("MKD b") == "make here /a/b/b");
    CHECK(outcome("MKD ../b") == "make /a/b");
    CHECK(outcome("MKD /") == "make /");
    CHECK(outcome("MKD  c ") == "make here /a/b/ c ");
    CHECK(outcome("MKD ~") == "make here /a/b/~");
    CHECK(outcome("MKD 资料 \"x\" 100%") == "make here /a/b/资料 \"x\" 100%");
    CHECK(outcome("CWD ../..") == "change to /");
    CHECK(outcome("CDUP") == "change to /a");
    CHECK(outcome("SITE MKDIR ../c/d") == "make all of /a/c/d");
}

TEST_CASE_METHOD(DirectoryTest, "control characters and broken UTF-8 in a path are 501")
{
    for (const std::string_view bad :
         {std::string_view{"a\0b", 3}, std::string_view{"a\r"}, std::string_view{"a\nb"},
          std::string_view{"\x1b[31m"}, std::string_view{"\x7f"}, std::string_view{"\xc2\x80"},
          std::string_view{"\xff"}, std::string_view{"\xc0\xaf"}, std::string_view{"\xed\xa0\x80"},
          std::string_view{"\xe8\xb5"}}) {
        for (const char* const verb : {"MKD ", "CWD ", "SITE MKDIR "}) {
            INFO(verb << bad);
            CHECK(outcome(verb + std::string{bad}) == "501");
        }
    }
}

TEST_CASE_METHOD(DirectoryTest, "a name has at most 255 bytes and a path 4,096")
{
    CHECK(outcome("MKD " + std::string(255, 'n')) == "make here /" + std::string(255, 'n'));
    CHECK(outcome("MKD " + std::string(256, 'n')) == "553");
    CHECK(outcome("CWD " + std::string(256, 'n')) == "553");
    CHECK(outcome("SITE MKDIR a/" + std::string(256, 'n')) == "553");
    const std::string longest = names(std::string(255, 'n'), 16); // with its leading slash 4,096 bytes
    CHECK(outcome("MKD " + longest) == "make /" + longest);
    CHECK(outcome("MKD " + longest + "/x") == "553");
    CHECK(outcome("CWD " + longest + "/x") == "553");
}

TEST_CASE_METHOD(DirectoryTest,
                 "directories are made to a depth of 64, and deeper ones can be walked through")
{
    CHECK(outcome("MKD " + names("d", 64)) == "make /" + names("d", 64));
    CHECK(outcome("MKD " + names("d", 65)) == "552");
    CHECK(outcome("SITE MKDIR " + names("d", 64)) == "make all of /" + names("d", 64));
    CHECK(outcome("SITE MKDIR " + names("d", 65)) == "552");
    CHECK(outcome("CWD " + names("d", 65)) == "change to /" + names("d", 65));
    change_directory("/" + names("d", 64));
    CHECK(outcome("MKD x") == "552");
    CHECK(outcome("MKD ../x") == "make /" + names("d", 63) + "/x");
}

TEST_CASE_METHOD(DirectoryTest, "a directory that was made is named in quotes, with each quote in it doubled")
{
    const auto on_made = [&](std::string_view made, error_code failure) {
        return session.on_directory_made(path(made), failure);
    };
    CHECK(on_made("/a/say \"hi\"", {}) == Reply{257, R"("/a/say ""hi""" created.)"});
    CHECK(session.on_path_made(path("/a"), true, {}) == Reply{257, "\"/a\" created."});
    CHECK(session.on_path_made(path("/a"), false, {}) == Reply{250, "\"/a\" is there."});
    CHECK(on_made("/\"a", Errc::directory_exists).code == 521);
    CHECK(on_made("/\"a", Errc::directory_exists).text == R"("/""a" is already there.)");
    CHECK(on_made("/a", system_error(EEXIST)) == Reply{550, "File exists"});
    CHECK(session.on_path_made(path("/a"), true, system_error(ENOSPC)) ==
          Reply{452, "No space left on device"});
}

TEST_CASE_METHOD(DirectoryTest, "the working directory changes only when that succeeded")
{
    CHECK(session.on_directory_changed(path("/a"), system_error(ENOENT)).code == 550);
    CHECK(text("PWD") == "\"/\" is the working directory.");
    CHECK(session.on_directory_changed(path("/a\"b"), {}) ==
          Reply{250, "\"/a\"\"b\" is the working directory."});
    CHECK(text("PWD") == "\"/a\"\"b\" is the working directory.");
    CHECK(session.working_directory() == path("/a\"b"));
}
