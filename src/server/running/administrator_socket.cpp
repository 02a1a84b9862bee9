#include "server/running/administrator_socket.hpp"

#include "server/ipc/channel.hpp"
#include "server/log/log.hpp"
#include "server/running/peer_of_socket.hpp"
#include "server/running/runtime_directory.hpp"
#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/crypto/digest.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <utility>

namespace ftpc::server {

namespace {

constexpr int backlog = 64;
constexpr int most_at_a_time = 16; // then signals and children have their turn

// A name is never used twice. So the removal of one that a dead server left removes no other's.
std::string socket_name()
{
    std::array<std::uint8_t, 8> random{};
    fill_random(random);
    return std::to_string(::getpid()) + "-" + hex_encode(random) + ".sock";
}

// It gets its name when it listens: one that refuses connections is a dead server's.
Result<UniqueFd> listen_as(int directory, const std::string& name)
{
    UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return last_system_error();
    const std::string unfinished = name + ".new";
    const sockaddr_un address = socket_address(path_beneath(directory, unfinished));
    const bool listens =
        ::fchmod(socket.get(), S_IRUSR | S_IWUSR) == 0 &&
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(socket.get(), backlog) == 0 &&
        ::renameat(directory, unfinished.c_str(), directory, name.c_str()) == 0;
    if (listens) return socket;
    const error_code failure = last_system_error();
    ::unlinkat(directory, unfinished.c_str(), 0);
    return failure;
}

bool has_gone_before_it_was_accepted(int failure)
{
    return failure == ECONNABORTED || failure == EINTR;
}

} // namespace

void AdministratorSocket::open(const std::vector<std::string>& directories)
{
    if (is_in_place()) return;
    close();
    std::string reason;
    for (const std::string& directory : directories) {
        const auto opened = open_in(directory);
        if (opened) {
            missing_.clear();
            return;
        }
        reason += (reason.empty() ? "" : "; ") + directory + ": " + opened.error().message();
    }
    if (std::exchange(missing_, reason) == reason) return; // is known
    log_event(
        "administrator-socket-missing",
        {{"reason", reason}, {"effect", "ftpcd check, why and user cannot ask this server what it reads"}});
}

Result<void> AdministratorSocket::open_in(const std::string& directory)
{
    const auto opened = make_runtime_directory(directory);
    if (!opened) return opened.error();
    const std::string name = socket_name();
    auto socket = listen_as(opened->get(), name);
    if (!socket) return socket.error();
    path_ = directory + "/" + name;
    socket_ = std::move(*socket);
    const auto file = identity_of(path_);
    if (!file) return file.error();
    file_ = *file;
    return {};
}

bool AdministratorSocket::is_in_place() const
{
    if (!socket_) return false;
    const auto file = identity_of(path_);
    return file && *file == file_;
}

void AdministratorSocket::answer(const std::function<ServerStatus()>& status)
{
    std::optional<SecretText> packet;
    for (int answered = 0; answered < most_at_a_time && socket_; ++answered)
        if (!answer_one(status, packet)) return;
}

bool AdministratorSocket::answer_one(const std::function<ServerStatus()>& status,
                                     std::optional<SecretText>& packet)
{
    const UniqueFd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!client) {
        if (errno == EAGAIN) return false;
        if (has_gone_before_it_was_accepted(errno)) return true;
        // No descriptors, for instance: the connection stays, so polling it again would never rest.
        log_event("administrator-socket-missing",
                  {{"reason", last_system_error().message()}, {"effect", "it is opened again within 10 s"}});
        close();
        return false;
    }
    // protection: administrator-socket
    if (!is_trusted_peer(client.get())) return true;
    if (!packet) packet = encode(status());
    static_cast<void>(ipc::send_packet(client.get(), *packet)); // or it has gone
    return true;
}

void AdministratorSocket::close()
{
    if (is_in_place()) ::unlink(path_.c_str());
    socket_.reset();
}

} // namespace ftpc::server
