// MLST, SIZE, MDTM, STAT of a path and SITE MLSD of one connection: facts over the control connection.
#pragma once

#include "server/ftp/channel/client_channel.hpp"
#include "server/ftp/commands/directory_commands.hpp"
#include "server/ftp/session/session.hpp"
#include "server/listing/entry.hpp"
#include "shared/base/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>

namespace ftpc::server {

class FactCommands {
public:
    // Both must outlive this.
    FactCommands(ClientChannel& client, const DirectoryCommands& directories)
        : client_{client}, directories_{directories}
    {}
    FactCommands(const FactCommands&) = delete;
    FactCommands& operator=(const FactCommands&) = delete;

    // On the event loop if the file system is local.
    boost::asio::awaitable<void> show(ShowFacts request);
    boost::asio::awaitable<void> show(ShowSize request);
    boost::asio::awaitable<void> show(ShowModified request);

    // On a worker.
    boost::asio::awaitable<void> show(ShowStatus request);
    boost::asio::awaitable<void> list(ListTree request);

private:
    template <class Work>
    auto in_worker(Work work) -> boost::asio::awaitable<std::optional<decltype(work())>>;
    boost::asio::awaitable<std::optional<Result<Entry>>> look(const RemotePath& path);

    ClientChannel& client_;
    const DirectoryCommands& directories_;
};

} // namespace ftpc::server
