#include "server/auth/auth_process.hpp"

#include "server/auth/auth_service.hpp"
#include "server/ipc/control.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/log/log.hpp"
#include "server/users/hash_memory.hpp"

#include <csignal>

namespace ftpc::server {

int run_auth_process()
{
    set_log_name("ftpcd[auth]");
    harden_process();
    retain_hash_memory();
    // A log that nobody reads any more must not end the logins.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    return serve_auth(UniqueFd{ipc::control_descriptor});
}

} // namespace ftpc::server
