// The protocol of one control connection: takes lines and results, returns actions. No input or output of its
// own.
#pragma once

#include "server/ipc/messages.hpp"
#include "server/transport/tls_version.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/protocol/command.hpp"
#include "shared/protocol/remote_path.hpp"
#include "shared/protocol/reply.hpp"
#include "shared/protocol/session_key.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ftpc::server {

// ---- the actions for the connection; a Reply is sent as it is

struct LastReply { // send, then close the connection
    Reply reply;
};
struct StartTls { // send, hand over to the TLS handshake, then call on_tls()
    Reply reply;
};
struct StopTls { // send, close TLS in both directions; the session is new and in clear
    Reply reply;
};
struct LogInByPassword { // then on_login()
    std::string user;    // empty: not a name that any user can have
    SecretText password;
};
struct LogInByPrehash { // then on_login()
    std::string user;
    Prehash prehash;
};
struct LogInBySessionKey { // then on_login()
    std::string user;
    SessionId session{};
    SessionSignature signature{};
};
struct EnrolKey { // then on_key_enrolled()
    SessionPublicKey key{};
    std::uint32_t lifetime_seconds = 0; // 0: not asked for
};
struct EndKey {                       // then on_key_ended()
    std::optional<SessionId> session; // none: the key of this login
};
struct ListKeys {};      // then on_keys_listed()
struct ChangeDirectory { // then on_directory_changed()
    RemotePath path;
};
struct MakeDirectory { // then on_directory_made()
    RemotePath path;
    bool in_working_directory; // path is one plain name beneath the working directory
};
struct MakePath { // with its parents; then on_path_made()
    RemotePath path;
};

using Action =
    std::variant<Reply, LastReply, StartTls, StopTls, LogInByPassword, LogInByPrehash, LogInBySessionKey,
                 EnrolKey, EndKey, ListKeys, ChangeDirectory, MakeDirectory, MakePath>;

// The outcomes of a login. `unavailable`: auth could not be asked. `home_unusable`: the home cannot be
// opened. `limited`: not checked, after too many refused logins from the client's address.
enum class LoginOutcome {
    granted,
    refused,
    busy,
    unavailable,
    home_unusable,
    too_many_sessions,
    turned_out, // to make room for others, while the login was checked
    limited,
};

class Session {
public:
    // `realm` is announced in FEAT inside TLS; it outlives the session and may change. Empty: not known yet.
    explicit Session(const std::string& realm) : realm_{&realm} {}
    void set_realm(const std::string& realm) { realm_ = &realm; }

    static Reply greeting() { return {220, "ftpcd ready."}; }

    Action on_line(std::string_view line);
    Reply on_line_too_long() const { return {500, "Line too long (at most 8192 bytes)."}; }
    LastReply on_endless_line() const { return {{421, "No end of line; closing."}}; }

    void on_tls(TlsVersion version);

    // Reply, or LastReply at the third refusal on this connection. `retry_seconds`: which only `limited` has;
    // `home_failure`, of Tree::open_home: only `home_unusable`.

    Action on_login(LoginOutcome outcome, std::uint32_t retry_seconds = 0, error_code home_failure = {});
    Reply on_key_enrolled(const ipc::EnrolAnswer& answer) const;
    Reply on_key_ended(const ipc::EndAnswer& answer) const;
    Reply on_keys_listed(const ipc::ListAnswer& answer) const;

    Reply on_directory_changed(const RemotePath& path, error_code failure);
    Reply on_directory_made(const RemotePath& path, error_code failure) const;
    // `made`: by this command; false when the directory was there before, or another made it meanwhile.
    Reply on_path_made(const RemotePath& path, bool made, error_code failure) const;

    bool logged_in() const { return logged_in_; }
    const std::string& user() const { return user_; } // as given with USER
    const RemotePath& working_directory() const { return working_directory_; }

private:
    enum class Needs { nothing, tls, login };
    enum class Takes { nothing, argument, optional_argument };
    struct Row {
        Verb verb;
        Needs needs;
        Takes takes;
        Action (Session::*handle)(std::string_view argument);
    };
    static const Row* find_row(Verb verb);

    Action auth(std::string_view mechanism);
    Action pbsz(std::string_view size);
    Action prot(std::string_view level);
    Action ccc(std::string_view);
    Action user(std::string_view name);
    Action pass(std::string_view password);
    Action rein(std::string_view);
    Action quit(std::string_view);
    Action mkd(std::string_view path);
    Action cwd(std::string_view path);
    Action cdup(std::string_view);
    Action pwd(std::string_view);
    Action feat(std::string_view);
    Action help(std::string_view);
    Action syst(std::string_view);
    Action stat(std::string_view path);
    Action noop(std::string_view);
    Action type(std::string_view code);
    Action mode(std::string_view code);
    Action stru(std::string_view code);
    Action allo(std::string_view size);
    Action opts(std::string_view option);
    Action site(std::string_view command);
    Action site_auth(std::string_view argument);
    Action site_auth_prehash(std::string_view encoded);
    Action site_auth_session_key(std::string_view argument);
    Action site_session(std::string_view argument);
    Action site_session_new(std::string_view argument);
    Action site_session_end(std::string_view argument);
    Action site_mkdir(std::string_view path);

    // The target of `argument`, if a directory may be made there.
    Result<RemotePath> new_directory(std::string_view argument) const;
    void forget_login();

    const std::string* realm_;
    TlsVersion tls_ = TlsVersion::none;
    bool buffer_size_set_ = false; // PBSZ came
    bool user_given_ = false;
    bool logged_in_ = false;
    bool may_enrol_ = false;   // this login was by password and has enrolled no key yet
    bool by_password_ = false; // the login under way is
    int refusals_ = 0;
    std::string user_;
    RemotePath working_directory_;
};

} // namespace ftpc::server
