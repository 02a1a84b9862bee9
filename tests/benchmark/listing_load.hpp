// Listing a directory again and again, on any number of sessions.
#pragma once

#include "benchmark/listing_client.hpp"
#include "benchmark/statistics.hpp"

#include <memory>
#include <vector>

namespace ftpc::benchmark {

struct ListingResult {
    std::string command;       // MLSD or LIST
    std::uint64_t listed = 0;  // whole listings
    std::uint64_t bytes = 0;   // of all listings
    std::uint64_t resumed = 0; // listings with a data connection that resumed the TLS session
    double seconds = 0;        // until the last session has ended its last listing
    double generator_cpu_seconds = 0;
    Latencies latencies;

    boost::json::object to_json() const;
};

// A thread for each session, since a listing is several steps that wait for one another.
class ListingLoad {
public:
    // Logs all sessions in, one after the other. The references must outlive this object.
    ListingLoad(const Target& target, SSL_CTX* context, const Credentials& credentials, unsigned sessions,
                const ListingPlan& plan);

    // Each session lists until so many seconds have passed, and at least once. Throws the first failure of a
    // listing, after all sessions have ended.
    ListingResult run(double seconds);

private:
    struct Session {
        Session(const Target& target, SSL_CTX* context, const Credentials& credentials,
                const ListingPlan& plan)
            : client{target, context, credentials, plan}
        {}

        void list_for(double seconds);

        ListingClient client;
        ListingResult result;
    };

    std::vector<std::unique_ptr<Session>> sessions_;
};

} // namespace ftpc::benchmark
