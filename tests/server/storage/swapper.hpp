// A second process that races with the test for names in a directory.
#pragma once

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace ftpc::test {

// Swaps `a` and `b` in `directory` until the end of its life.
class Swapper {
public:
    Swapper(int directory, const char* a, const char* b) : pid_{::fork()}
    {
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (::syscall(SYS_renameat2, directory, a, directory, b, exchange) == 0) {
        }
        ::_exit(1);
    }
    Swapper(const Swapper&) = delete;
    Swapper& operator=(const Swapper&) = delete;
    ~Swapper() { stop(); }

    // Whether it was still swapping.
    bool stop()
    {
        if (pid_ <= 0) return false;
        int status = 0;
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFSIGNALED(status);
    }

private:
    // RENAME_EXCHANGE of <linux/fs.h>, which does not go with <sys/mount.h>
    static constexpr unsigned exchange = 2;

    pid_t pid_;
};

} // namespace ftpc::test
