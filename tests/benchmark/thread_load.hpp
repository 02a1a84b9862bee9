// Making directories from clients that share nothing, as those of many machines do.
#pragma once

#include "benchmark/directories_load.hpp"

#include <memory>
#include <vector>

namespace ftpc::benchmark {

// A thread for each session, which waits for its replies in read(2): no epoll, and no batch of ready sockets.
class ThreadLoad {
public:
    // Logs all sessions in, one after the other. The references must outlive this object. Throws if a login
    // fails, or if the plan has fewer commands than sessions.
    ThreadLoad(const Target& target, SSL_CTX* context, const Credentials& credentials, unsigned sessions,
               const DirectoriesPlan& plan);

    // Throws the first failure of a thread, after all have ended.
    DirectoriesResult run();

private:
    struct Client {
        Client(const Target& target, SSL_CTX* context, const Credentials& credentials,
               const DirectoriesPlan& plan);

        EventLoop loop; // only until the session is logged in
        SessionPool pool;
        DirectoriesLoad load;
        DirectoriesResult result;
    };

    std::vector<std::unique_ptr<Client>> clients_;
};

} // namespace ftpc::benchmark
