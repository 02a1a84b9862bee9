// The protocol of one control connection: takes lines and results, returns actions. No input or output of its
// own.
#pragma once

#include "server/ftp/session/actions.hpp"
#include "server/ipc/messages.hpp"
#include "server/listing/facts.hpp"
#include "server/transport/tls/tls_version.hpp"
#include "shared/base/result.hpp"
#include "shared/protocol/command.hpp"
#include "shared/protocol/remote_path.hpp"
#include "shared/protocol/reply.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ftpc::server {

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

    // Reply, or LastReply (530, then 421) at the third refusal on this connection. `retry_seconds`: which
    // only `limited` has; `home_failure`, of Tree::open_home: only `home_unusable`.
    Action on_login(LoginOutcome outcome, std::uint32_t retry_seconds = 0, error_code home_failure = {});
    Reply on_key_enrolled(const ipc::EnrolAnswer& answer) const;
    Reply on_key_ended(const ipc::EndAnswer& answer) const;
    Reply on_keys_listed(const ipc::ListAnswer& answer) const;

    Reply on_directory_changed(const RemotePath& path, error_code failure);
    Reply on_directory_made(const RemotePath& path, error_code failure) const;
    // `made`: by this command; false when the directory was there before, or another made it meanwhile.
    Reply on_path_made(const RemotePath& path, bool made, error_code failure) const;

    // Fails with 425 (Errc::no_passive_port, or PASV over IPv6), or 522 if EPSV asks for the other family.
    static Reply on_passive_port(const OpenPassivePort& request, const Result<PassivePort>& port);
    static Reply on_nothing_to_abort() { return {225, "No transfer is under way."}; }

    // `line`: the facts and the path, "type=dir;… /a" (RFC 3659 §7.2).
    static Reply on_facts(const RemotePath& path, const Result<std::string>& line);
    // In bytes; no value: it is no regular file.
    static Reply on_size(const RemotePath& path, const Result<std::optional<std::uint64_t>>& size);
    // In seconds since 1970-01-01T00:00:00Z.
    static Reply on_modified(const RemotePath& path, const Result<std::int64_t>& seconds);

    static Reply on_time(const ServerTime& time);

    bool logged_in() const { return logged_in_; }
    bool logged_in_by_site_auth() const { return logged_in_ && by_site_auth_; }
    const std::string& user() const { return user_; } // as given with USER
    const RemotePath& working_directory() const { return working_directory_; }

private:
    enum class Needs { nothing, tls, login };
    enum class Takes { nothing, argument, optional_argument };
    using Handler = Action (Session::*)(std::string_view argument);
    struct Row {
        Verb verb;
        Needs needs;
        Takes takes;
        Handler handle;
        std::string_view syntax; // for HELP; empty: a command that this server does not have
    };
    static const Row& row_of(Verb verb);
    struct SiteRow {
        std::string_view word;
        Needs needs;
        Handler handle;
        std::string_view syntax;
    };
    static std::span<const SiteRow> site_rows();
    static const SiteRow* find_site_row(std::string_view word);

    static Reply bad_argument() { return {501, "Syntax error in the argument."}; }
    static Reply unknown_command() { return {500, "Unknown command."}; }
    static Reply quoted_path_reply(int code, const RemotePath& path, std::string_view words);

    // session.cpp
    Action quit(std::string_view);
    Action syst(std::string_view);
    Action noop(std::string_view);
    Action clnt(std::string_view);
    Action type(std::string_view code);
    Action mode(std::string_view code);
    Action stru(std::string_view code);
    Action allo(std::string_view size);
    Action opts(std::string_view option);
    Action site(std::string_view command);
    Action file_transfer(std::string_view);
    Action active_mode(std::string_view);
    Action known_elsewhere(std::string_view);

    // session_protection.cpp
    Action auth(std::string_view mechanism);
    Action pbsz(std::string_view size);
    Action prot(std::string_view level);
    Action ccc(std::string_view);
    Action rein(std::string_view);

    // session_login.cpp
    Action user(std::string_view name);
    Action pass(std::string_view password);
    Action site_auth(std::string_view argument);
    Action site_auth_prehash(std::string_view encoded);
    Action site_auth_session_key(std::string_view argument);
    Action on_refused();
    void forget_login();

    // session_site_session.cpp
    Action site_session(std::string_view argument);
    Action site_session_new(std::string_view argument);
    Action site_session_end(std::string_view argument);

    // session_mkd.cpp
    Action mkd(std::string_view path);
    Action cwd(std::string_view path);
    Action cdup(std::string_view);
    Action pwd(std::string_view);
    Action site_mkdir(std::string_view path);
    Result<RemotePath> new_directory(std::string_view argument) const;

    // session_listing.cpp
    Action pasv(std::string_view);
    Action epsv(std::string_view family);
    Action list(std::string_view argument);
    Action nlst(std::string_view argument);
    Action mlsd(std::string_view path);
    Action mlst(std::string_view path);
    Action stat(std::string_view argument);
    Action size(std::string_view path);
    Action mdtm(std::string_view path);
    Action abor(std::string_view);
    Action site_mlsd(std::string_view argument);
    Action opts_mlst(std::string_view facts);
    Action send_listing(ListingForm form, std::string_view path) const;
    Result<RemotePath> listed_path(std::string_view argument) const;
    Reply status() const;

    // session_time.cpp
    Action site_time(std::string_view argument);

    // session_help.cpp
    Action feat(std::string_view);
    Action help(std::string_view command);
    Action site_help(std::string_view word);

    // The transfer parameters (RFC 959 §4.1.2) and those of the extensions. Only REIN and a handshake set
    // them back.
    struct Parameters {
        bool buffer_size_set = false; // PBSZ came
        bool private_data = false;    // PROT P came
        bool extended_only = false;   // EPSV ALL came
        bool ascii = true;            // TYPE A
        FactSet facts{};              // of MLST and MLSD
    };

    const std::string* realm_;
    TlsVersion tls_ = TlsVersion::none;
    Parameters parameters_;
    bool user_given_ = false;
    bool logged_in_ = false;
    bool may_enrol_ = false;    // this login was by password and has enrolled no key yet
    bool by_password_ = false;  // the login under way is
    bool by_site_auth_ = false; // the last login was, or is
    int refusals_ = 0;
    std::string user_;
    RemotePath working_directory_;
};

} // namespace ftpc::server
