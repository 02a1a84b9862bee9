#include "server/running/running_servers.hpp"

#include "server/ipc/channel.hpp"
#include "server/running/peer_of_socket.hpp"
#include "server/running/runtime_directory.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>

#include <boost/filesystem/directory.hpp>

namespace ftpc::server {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds longest{2};
constexpr timeval longest_for_a_place{0, 100'000}; // in the queue of a server that accepts nobody
constexpr std::size_t most_servers = 256;

std::vector<std::string> socket_names(const std::string& directory)
{
    std::vector<std::string> names;
    boost::system::error_code failure;
    for (boost::filesystem::directory_iterator entry{directory, failure}, end; !failure && entry != end;
         entry.increment(failure))
        if (const std::string name = entry->path().filename().string(); name.ends_with(".sock"))
            names.push_back(name);
    return names;
}

UniqueFd connect_to(int directory, const std::string& name)
{
    UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (!socket) return {};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &longest_for_a_place, sizeof longest_for_a_place);
    const sockaddr_un address = socket_address(path_beneath(directory, name));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ECONNREFUSED) ::unlinkat(directory, name.c_str(), 0);
        return {};
    }
    if (!is_trusted_peer(socket.get())) return {};
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    return socket;
}

void connect_to_all(const std::string& path, std::vector<UniqueFd>& sockets, Clock::time_point deadline)
{
    const auto directory = open_runtime_directory(path);
    if (!directory) return;
    for (const std::string& name : socket_names(path)) {
        if (Clock::now() > deadline || sockets.size() >= most_servers) return;
        if (UniqueFd socket = connect_to(directory->get(), name)) sockets.push_back(std::move(socket));
    }
}

// The process is that of the socket, not the one in the status.
void receive_status(int socket, std::vector<ServerStatus>& statuses)
{
    const auto packet = ipc::receive_packet(socket, max_status_bytes);
    if (!packet) return;
    auto status = decode_status(packet->bytes);
    const auto peer = peer_of(socket);
    if (!status || !peer) return;
    status->pid = peer->pid != 0 ? peer->pid : status->pid; // 0: of another PID namespace
    statuses.push_back(std::move(*status));
}

int milliseconds_until(Clock::time_point deadline)
{
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

RunningServers receive_all(std::vector<UniqueFd> sockets, Clock::time_point deadline)
{
    RunningServers running;
    while (!sockets.empty()) {
        std::vector<pollfd> waiting;
        waiting.reserve(sockets.size());
        for (const UniqueFd& socket : sockets)
            waiting.push_back({socket.get(), POLLIN, 0});
        const int ready = ::poll(waiting.data(), waiting.size(), milliseconds_until(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) break;
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (waiting[i].revents == 0) continue;
            receive_status(sockets[i].get(), running.answered);
            sockets[i].reset();
        }
        std::erase_if(sockets, [](const UniqueFd& socket) { return !socket; });
    }
    for (const UniqueFd& socket : sockets)
        if (const auto peer = peer_of(socket.get())) running.silent.push_back(peer->pid);
    return running;
}

std::vector<ServerStatus> those(const std::vector<ServerStatus>& running, const auto& is_wanted)
{
    std::vector<ServerStatus> found;
    std::copy_if(running.begin(), running.end(), std::back_inserter(found), is_wanted);
    return found;
}

} // namespace

RunningServers ask_running_servers(const std::vector<std::string>& directories)
{
    const auto deadline = Clock::now() + longest;
    std::vector<UniqueFd> sockets;
    for (const std::string& directory : directories)
        connect_to_all(directory, sockets, deadline);
    return receive_all(std::move(sockets), deadline);
}

std::vector<ServerStatus> servers_meant(const std::vector<ServerStatus>& running, const CommandScope& scope)
{
    auto of_data = those(running, [&](const ServerStatus& server) {
        return server.data.identity == scope.data.identity || have_path_in_common(server.data, scope.data);
    });
    if (!of_data.empty() || scope.config_file.empty()) return of_data;
    return those(running,
                 [&](const ServerStatus& server) { return server.config_file == scope.config_file; });
}

void refuse_if_served(const std::vector<ServerStatus>& running, const OpenedDirectory& data)
{
    const auto servers = servers_meant(running, {data, {}});
    if (servers.empty()) return;
    const ServerStatus& server = servers.front();
    const std::string process = std::to_string(server.pid);
    const std::string served = data.path + " is being served already by process " + process;
    if (server.data.identity == data.identity) throw std::runtime_error{served};
    throw std::runtime_error{served +
                             ", which has the directory open that had this name when it started; end "
                             "that server first: kill " +
                             process};
}

bool have_path_in_common(const OpenedDirectory& one, const OpenedDirectory& other)
{
    const auto is_of_other = [&](const std::string& path) {
        return !path.empty() && (path == other.path || path == other.real_path);
    };
    return is_of_other(one.path) || is_of_other(one.real_path);
}

} // namespace ftpc::server
