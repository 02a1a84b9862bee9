#include "server/ftp/session/error_reply.hpp"

#include "shared/base/error.hpp"
#include "shared/protocol/remote_path.hpp"

#include <cerrno>

namespace ftpc::server {

namespace {

int reply_code(int number)
{
    switch (number) {
    case ENAMETOOLONG:
    case EILSEQ:
        return 553;
    case EDQUOT:
        return 552;
    case ENOSPC:
    case EMLINK:
        return 452;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case ESTALE:
        return 451;
    case EAGAIN:
    case EBUSY:
        return 450;
    default:
        return 550;
    }
}

// Until somebody changes permissions or links.
bool is_for_good(int number)
{
    return number == EACCES || number == EPERM || number == EXDEV || number == ELOOP ||
           number == ENAMETOOLONG;
}

bool lacks_descriptors(error_code failure)
{
    return failure.category() == boost::system::system_category() &&
           (failure.value() == EMFILE || failure.value() == ENFILE);
}

// The system's own words, except that a link out of the tree must not read differently from a forbidden path.
std::string words(error_code failure)
{
    if (failure.value() == EXDEV || failure.value() == EPERM || failure.value() == ELOOP)
        return error_code{EACCES, boost::system::system_category()}.message();
    if (lacks_descriptors(failure)) return "The server has no descriptors left; try again later.";
    return failure.message();
}

Reply own_error_reply(error_code failure, std::string_view path)
{
    switch (static_cast<Errc>(failure.value())) {
    case Errc::directory_exists: {
        Reply reply{521, {}};
        append_quoted(reply.text, path);
        reply.text += " is already there.";
        return reply;
    }
    case Errc::name_too_long:
        return {553, failure.message()};
    case Errc::too_many_waiting:
        return {450, failure.message()};
    case Errc::over_quota:
    case Errc::too_deep:
        return {552, failure.message()};
    case Errc::bad_argument:
    case Errc::control_character:
    case Errc::not_utf8:
        return {501, failure.message()};
    default:
        return {451, failure.message()};
    }
}

} // namespace

Reply home_error_reply(error_code failure)
{
    const bool of_system = failure.category() == boost::system::system_category();
    if (lacks_descriptors(failure)) return {421, words(failure)};
    if (of_system && (failure.value() == ENOENT || failure.value() == ENOTDIR))
        return {530, std::string{home_unusable} + "is not there; ask the administrator."};
    const int code = of_system && is_for_good(failure.value()) ? 530 : 451;
    return {code,
            std::string{home_unusable} + "cannot be opened: " + words(failure) + "; ask the administrator."};
}

bool concerns_operator(error_code failure)
{
    if (failure.category() != boost::system::system_category()) return false;
    switch (failure.value()) {
    case EACCES:
    case EPERM:
    case EROFS:
    case EDQUOT:
    case ENOSPC:
    case EMLINK:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case ESTALE:
        return true;
    default:
        return false;
    }
}

Reply over_quota_reply(std::uint64_t most_directories)
{
    return {552, "You may have at most " + std::to_string(most_directories) +
                     (most_directories == 1 ? " directory." : " directories.")};
}

Reply error_reply(error_code failure, std::string_view path)
{
    if (failure.category() == make_error_code(Errc::bad_argument).category())
        return own_error_reply(failure, path);
    return {reply_code(failure.value()), words(failure)};
}

} // namespace ftpc::server
