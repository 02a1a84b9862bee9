#include "server/auth/auth_process.hpp"

#include "server/auth/auth_service.hpp"
#include "server/ipc/control.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/log/log.hpp"
#include "server/users/hash_memory.hpp"

#include <sys/prctl.h>

#include <csignal>
#include <cstdlib>

namespace ftpc::server {

int run_auth_process()
{
    set_log_name("ftpcd[auth]");
    // Once more: the kernel forgets it when a program with file capabilities is executed (prctl(2)). If the
    // supervisor has died before, the control channel has ended.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return EXIT_FAILURE;
    harden_process();
    retain_hash_memory();
    // A log that nobody reads any more must not end the logins.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    return serve_auth(UniqueFd{ipc::control_descriptor});
}

} // namespace ftpc::server
