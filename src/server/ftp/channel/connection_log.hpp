// The log lines of one connection.
#pragma once

#include "server/ftp/session/session.hpp"
#include "server/log/event_log.hpp"
#include "server/transport/tls/stream.hpp"
#include "shared/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ftpc::server {

class ConnectionLog {
public:
    using Clock = std::chrono::steady_clock;

    // `session`: of the connection, for the name of its user. All must outlive this.
    ConnectionLog(EventLog& log, const Session& session, std::uint64_t id, const ipc::PeerAddress& peer);

    // For a connection that goes on at another reactor.
    void write_to(EventLog& log) { log_ = &log; }

    void connected();
    void tls_began(const Stream& stream);
    void tls_failed(std::string_view reason);
    void bytes_before_tls();
    void session_began(const Stream& stream);
    void home_unusable(std::string_view home, error_code failure);
    void too_many_sessions();
    void too_fast();
    void sync_failed(error_code failure);
    void file_system_abandoned();
    void transfer_failed(std::string_view reason);
    void over_quota(std::uint64_t max_dirs); // once a connection
    void directory_refused(const RemotePath& path, error_code failure);
    void ended(std::string_view reason, bool logged_in);

    void command_taken() { ++commands_; }
    void directories_made(std::uint64_t number) { directories_ += number; }
    std::uint64_t commands() const { return commands_; }

private:
    std::string_view user() const { return session_.user(); }

    EventLog* log_;
    const Session& session_;
    std::uint64_t id_;
    std::string peer_;
    Clock::time_point began_ = Clock::now();
    std::uint64_t commands_ = 0;
    std::uint64_t directories_ = 0;
    bool told_of_quota_ = false;
};

} // namespace ftpc::server
