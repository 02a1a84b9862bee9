// The data connections that are expected on passive ports. A port is reserved for one client at a time, from
// PASV until its connection is accepted; clients of other addresses share the port. No sockets, no clock.
#pragma once

#include "server/ipc/messages.hpp"
#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

namespace ftpc::server {

class Reservation;

class Reservations {
public:
    // Takes the accepted connection, on the thread that accepted it.
    using OnConnected = std::function<void(UniqueFd)>;

    Reservations() = default;
    Reservations(const Reservations&) = delete;
    Reservations& operator=(const Reservations&) = delete;

    // One of `ports` for the next connection from `peer`; they take turns. `before` is called with the port
    // before it is reserved, to hand over what has come already. Fails with Errc::no_passive_port if all of
    // them wait for another connection from there. From any thread.
    Result<Reservation> reserve(
        std::span<const std::size_t> ports, const ipc::PeerAddress& peer, OnConnected on_connected,
        const std::function<void(std::size_t port)>& before = [](std::size_t) {});

    // Hands over a connection that has come. Empty: done; else nobody waits for it. From any thread.
    UniqueFd hand_over(std::size_t port, const ipc::PeerAddress& peer, UniqueFd socket);

private:
    friend class Reservation;
    using Key = std::pair<std::size_t, ipc::PeerAddress>;

    bool is_waiting(const Key& key);

    std::atomic<std::size_t> turn_ = 0;
    std::mutex mutex_; // of what follows
    std::map<Key, std::shared_ptr<OnConnected>> waiting_;
};

// Ends with its object, unless its connection has come.
class Reservation {
public:
    Reservation(Reservation&& other) noexcept
        : all_{std::exchange(other.all_, nullptr)}, key_{std::move(other.key_)}, on_connected_{std::move(
                                                                                     other.on_connected_)}
    {}
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation();

    std::size_t port() const { return key_.first; } // its number among all

private:
    friend class Reservations;
    Reservation(Reservations& all, Reservations::Key key,
                std::shared_ptr<Reservations::OnConnected> on_connected)
        : all_{&all}, key_{std::move(key)}, on_connected_{std::move(on_connected)}
    {}

    Reservations* all_;
    Reservations::Key key_;
    std::shared_ptr<Reservations::OnConnected> on_connected_; // tells it from a later one with the same key
};

} // namespace ftpc::server
