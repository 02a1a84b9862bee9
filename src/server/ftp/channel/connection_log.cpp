#include "server/ftp/channel/connection_log.hpp"

#include "server/ipc/peer_network.hpp"
#include "server/transport/admission.hpp"
#include "shared/base/text.hpp"

#include <utility>

namespace ftpc::server {

using Trouble = EventLog::Trouble;

ConnectionLog::ConnectionLog(EventLog& log, const Session& session, std::uint64_t id,
                             const ipc::PeerAddress& peer)
    : log_{&log}, session_{session}, id_{id}, peer_{address_text(peer)}
{}

void ConnectionLog::connected()
{
    log_->unauthenticated("connected", {{"id", id_}, {"peer", peer_}});
}

void ConnectionLog::tls_began(const Stream& stream)
{
    log_->unauthenticated("tls", {{"id", id_},
                                  {"peer", peer_},
                                  {"version", stream.tls_version_name()},
                                  {"cipher", stream.tls_cipher_name()}});
}

void ConnectionLog::tls_failed(std::string_view reason)
{
    log_->unauthenticated("tls-failed", {{"id", id_}, {"peer", peer_}, {"error", reason}});
}

void ConnectionLog::bytes_before_tls()
{
    log_->unauthenticated("bytes-before-tls", {{"id", id_}, {"peer", peer_}});
}

void ConnectionLog::session_began(const Stream& stream)
{
    log_->event("session-began", {{"id", id_},
                                  {"user", user()},
                                  {"peer", peer_},
                                  {"version", stream.tls_version_name()},
                                  {"cipher", stream.tls_cipher_name()}});
}

void ConnectionLog::home_unusable(std::string_view home, error_code failure)
{
    log_->event(
        "home-unusable",
        {{"id", id_}, {"user", user()}, {"peer", peer_}, {"home", home}, {"error", failure.message()}});
}

void ConnectionLog::too_many_sessions()
{
    log_->trouble(
        Trouble::too_many_sessions, "limit-hit",
        {{"limit", setting_name(Bound::sessions_per_user)}, {"id", id_}, {"user", user()}, {"peer", peer_}});
}

void ConnectionLog::too_fast()
{
    log_->trouble(Trouble::too_fast, "limit-hit",
                  {{"limit", "max-commands-per-second"}, {"id", id_}, {"peer", peer_}});
}

void ConnectionLog::sync_failed(error_code failure)
{
    log_->trouble(Trouble::sync_failed, "sync-failed", {{"error", failure.message()}});
}

void ConnectionLog::file_system_abandoned()
{
    log_->event("operation-abandoned", {{"id", id_}, {"user", user()}, {"peer", peer_}});
}

void ConnectionLog::transfer_failed(std::string_view reason)
{
    log_->trouble(Trouble::transfer_failed, "transfer-failed",
                  {{"id", id_}, {"user", user()}, {"peer", peer_}, {"reason", reason}});
}

void ConnectionLog::over_quota(std::uint64_t max_dirs)
{
    if (std::exchange(told_of_quota_, true)) return;
    log_->event("limit-hit", {{"limit", "max-dirs"}, {"id", id_}, {"user", user()}, {"max-dirs", max_dirs}});
}

void ConnectionLog::directory_refused(const RemotePath& path, error_code failure)
{
    constexpr std::string_view event = "directory-failed";
    const std::string_view text = path.text();
    const std::string words = failure.message();
    const LogField id{"id", id_};
    const LogField by{"user", user()};
    const LogField error{"error", words};
    if (text.size() <= EventLog::max_path_bytes)
        return log_->trouble(Trouble::tree_refuses, event, {id, by, {"path", text}, error});
    log_->trouble(Trouble::tree_refuses, event,
                  {id,
                   by,
                   {"path-begins", first_bytes(text, EventLog::max_path_bytes)},
                   {"path-bytes", std::uint64_t{text.size()}},
                   error});
}

void ConnectionLog::ended(std::string_view reason, bool logged_in)
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began_).count();
    const EventLog::Fields fields{{"id", id_},
                                  {"peer", peer_},
                                  {"user", session_.logged_in() ? user() : "-"},
                                  {"reason", reason},
                                  {"seconds", static_cast<std::uint64_t>(seconds)},
                                  {"commands", commands_},
                                  {"directories", directories_}};
    if (logged_in)
        log_->event("disconnected", fields);
    else
        log_->unauthenticated("disconnected", fields);
}

} // namespace ftpc::server
