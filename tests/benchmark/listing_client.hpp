// A client that lists one directory again and again, each time over a new data connection.
#pragma once

#include "benchmark/waiting_session.hpp"

#include <cstdint>
#include <string>

namespace ftpc::benchmark {

struct ListingPlan {
    std::string path;          // of the directory
    std::uint64_t entries = 0; // that it has, all of them directories
};

struct Listed {
    std::uint64_t bytes = 0; // of the listing
    bool resumed = false;    // whether the data connection resumed the TLS session of the control connection
};

class ListingClient {
public:
    // Logs in and enters the directory. The references must outlive this object. Throws if the server
    // refuses.
    ListingClient(const Target& target, SSL_CTX* context, const Credentials& credentials,
                  const ListingPlan& plan);

    // EPSV or PASV, a data connection, MLSD or LIST, 226. Throws if the listing fails or does not have the
    // entries.
    Listed list();

    const std::string& command() const { return command_; }

private:
    Target passive_port();
    Listed read_listing(UniqueFd connection);
    // Throws what the server says of the listing, and `failure` if it says nothing wrong.
    void check_replies(const std::string& failure);

    WaitingSession session_;
    const Target& target_;
    SSL_CTX* context_;
    const ListingPlan& plan_;
    bool extended_ = false; // EPSV, not PASV
    std::string command_;   // MLSD or LIST
};

} // namespace ftpc::benchmark
