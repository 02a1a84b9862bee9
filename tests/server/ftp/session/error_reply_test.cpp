#include "server/ftp/session/error_reply.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <cerrno>
#include <utility>

using namespace ftpc;
using namespace ftpc::server;

namespace {

Reply reply_for(int number)
{
    return error_reply({number, boost::system::system_category()}, "/a");
}

} // namespace

TEST_CASE("each errno of the table gets its reply code")
{
    for (const auto& [number, code] : {std::pair{EEXIST, 550}, {ENOENT, 550}, {ENOTDIR, 550},
                                       {EACCES, 550},          {EPERM, 550},  {EROFS, 550},
                                       {EXDEV, 550},           {ELOOP, 550},  {EINVAL, 550},
                                       {ENAMETOOLONG, 553},    {EILSEQ, 553}, {EDQUOT, 552},
                                       {ENOSPC, 452},          {EMLINK, 452}, {EMFILE, 451},
                                       {ENFILE, 451},          {ENOMEM, 451}, {EIO, 451},
                                       {ESTALE, 451},          {EAGAIN, 450}, {EBUSY, 450}}) {
        INFO(number);
        CHECK(reply_for(number).code == code);
    }
}

TEST_CASE("an error that the operator can mend is told apart from an error of the request")
{
    for (const int number :
         {EACCES, EPERM, EROFS, EDQUOT, ENOSPC, EMLINK, EMFILE, ENFILE, ENOMEM, EIO, ESTALE})
        CHECK(concerns_operator({number, boost::system::system_category()}));
    for (const int number : {EEXIST, ENOENT, ENOTDIR, EXDEV, ELOOP, ENAMETOOLONG, EILSEQ, EBUSY, EAGAIN})
        CHECK_FALSE(concerns_operator({number, boost::system::system_category()}));
    CHECK_FALSE(concerns_operator(Errc::over_quota));
    CHECK_FALSE(concerns_operator({}));
}

TEST_CASE("a failure is told in the system's own words")
{
    CHECK(reply_for(EEXIST) == Reply{550, "File exists"});
    CHECK(reply_for(ENOENT) == Reply{550, "No such file or directory"});
    CHECK(reply_for(ENOTDIR) == Reply{550, "Not a directory"});
    CHECK(reply_for(EROFS) == Reply{550, "Read-only file system"});
    CHECK(reply_for(ENOSPC) == Reply{452, "No space left on device"});
    CHECK(reply_for(ENAMETOOLONG) == Reply{553, "File name too long"});
}

TEST_CASE("a client that finds no descriptors left is told so")
{
    const Reply reply{451, "The server has no descriptors left; try again later."};
    CHECK(reply_for(EMFILE) == reply);
    CHECK(reply_for(ENFILE) == reply);
}

TEST_CASE("only a home that is not there is said not to be there")
{
    const auto reply = [](int number) {
        return home_error_reply({number, boost::system::system_category()});
    };
    const Reply not_there{530, "Your home directory is not there; ask the administrator."};
    CHECK(reply(ENOENT) == not_there);
    CHECK(reply(ENOTDIR) == not_there);
    CHECK(reply(EMFILE) == Reply{421, "The server has no descriptors left; try again later."});
    CHECK(reply(ENFILE) == reply(EMFILE));
    CHECK(reply(EIO) ==
          Reply{451, "Your home directory cannot be opened: Input/output error; ask the administrator."});
    CHECK(reply(EACCES) ==
          Reply{530, "Your home directory cannot be opened: Permission denied; ask the administrator."});
    CHECK(reply(EXDEV) == reply(EACCES));
    CHECK(reply(ECANCELED).text ==
          "Your home directory cannot be opened: Operation canceled; ask the administrator.");
    CHECK(home_error_reply(Errc::too_many_waiting).code == 451);
}

TEST_CASE("a path that leads outside reads exactly like one that is not permitted")
{
    CHECK(reply_for(EACCES) == Reply{550, "Permission denied"});
    CHECK(reply_for(EXDEV) == reply_for(EACCES));
    CHECK(reply_for(ELOOP) == reply_for(EACCES));
    CHECK(reply_for(EPERM) == reply_for(EACCES));
}

TEST_CASE("failures in ftpc's own words get the reply that their comment names")
{
    CHECK(error_reply(Errc::directory_exists, "/say \"a\"") ==
          Reply{521, R"("/say ""a""" is already there.)"});
    CHECK(error_reply(Errc::name_too_long, "").code == 553);
    CHECK(error_reply(Errc::too_deep, "").code == 552);
    CHECK(error_reply(Errc::over_quota, "").code == 552);
    CHECK(error_reply(Errc::too_many_waiting, "").code == 450);
    CHECK(error_reply(Errc::bad_argument, "").code == 501);
    CHECK(error_reply(Errc::control_character, "").code == 501);
    CHECK(error_reply(Errc::not_utf8, "").code == 501);
    CHECK(error_reply(Errc::crypto_failed, "").code == 451);
}

TEST_CASE("the client's words are not repeated, except the path of a directory that exists")
{
    for (const Errc failure :
         {Errc::bad_argument, Errc::control_character, Errc::not_utf8, Errc::name_too_long})
        CHECK(error_reply(failure, "\x1b[31m").text.find('\x1b') == std::string::npos);
}

TEST_CASE("a user with as many directories as allowed is told the number")
{
    CHECK(over_quota_reply(100) == Reply{552, "You may have at most 100 directories."});
    CHECK(over_quota_reply(1) == Reply{552, "You may have at most 1 directory."});
}
