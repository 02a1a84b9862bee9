// How long one session waits for its MKDs while another one lists a large directory.
#pragma once

#include "benchmark/directories_load.hpp"
#include "benchmark/listing_client.hpp"

namespace ftpc::benchmark {

// Lists again and again, in a thread of its own, as long as the directories are made by another session. The
// result is that of the directories, and "listings": those that were begun while it lasted, at least one.
// Throws if a listing fails or does not have the entries.
boost::json::object run_mkdir_beside_listing(const Target& target, SSL_CTX* context,
                                             const Credentials& credentials,
                                             const DirectoriesPlan& directories, const ListingPlan& listing);

} // namespace ftpc::benchmark
