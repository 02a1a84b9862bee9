#include "shared/base/error.hpp"

namespace ftpc {

namespace {

// Boost's base class has a protected destructor that is not virtual, on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class FtpcCategory final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "ftpc"; }

    std::string message(int value) const override // NOLINT(readability-function-size): a table
    {
        switch (static_cast<Errc>(value)) {
        case Errc::unknown_verb:
            return "unknown command";
        case Errc::bad_argument:
            return "bad argument";
        case Errc::control_character:
            return "control characters are not allowed in a name";
        case Errc::not_utf8:
            return "not valid UTF-8";
        case Errc::name_too_long:
            return "name too long (at most 255 bytes each, 4096 in all)";
        case Errc::too_deep:
            return "too deep (at most 64 directories beneath the home)";
        case Errc::bad_base64:
            return "not valid base64";
        case Errc::bad_user_name:
            return "not a user name (a-z or _ first, then a-z, 0-9, '_', '.', '-'; at most 32 characters)";
        case Errc::empty_password:
            return "the password is empty";
        case Errc::long_password:
            return "the password is longer than 1024 bytes";
        case Errc::bad_hash:
            return "not a password hash of the form $scrypt$ln=..,r=..,p=..$salt$hash";
        case Errc::bad_message:
            return "a message between processes broke the protocol";
        case Errc::over_quota:
            return "as many directories as this user may have";
        case Errc::must_count:
            return "the directories have to be counted first";
        case Errc::would_wait:
            return "the file system may take long to answer";
        case Errc::too_many_waiting:
            return "too many requests wait for this file system; try again later";
        case Errc::no_passive_port:
            return "every port for data connections waits for another one from your address; try again later";
        case Errc::no_data_ports:
            return "the server has no port for data connections; ftpc ls needs none";
        case Errc::directory_exists:
            return "the directory exists";
        case Errc::users_db_missing:
            return "sessions.db is there, so there have been users: put users.db back, or remove sessions.db "
                   "to begin without any";
        case Errc::unsafe_permissions:
            return "others can read or change it";
        case Errc::cannot_sync:
            return "the file system can sync neither directories nor itself";
        case Errc::crypto_failed:
            return "the cryptographic library refused the operation";
        }
        return "unknown error";
    }
};
#pragma GCC diagnostic pop

} // namespace

error_code make_error_code(Errc code)
{
    static const FtpcCategory category;
    return {static_cast<int>(code), category};
}

} // namespace ftpc
