// Listings of some paths in one connection and one flight: the work that ls and tree have in common.
#pragma once

#include "client/base/failure.hpp"
#include "client/commands/listing_conversation.hpp"
#include "client/commands/options.hpp"
#include "client/commands/output.hpp"

#include <functional>
#include <string>
#include <vector>

namespace ftpc::client {

// `given`: the path as it stands on the command line.
using ShowListing = std::function<void(const std::string& given, ListingConversation& listing)>;

// Asks for each path and what lies `depth` levels beneath it, as the user of the saved login. Gives each
// listing to `show` when it is complete, in the order of `paths`. A path that is not listed is said in
// `output`, and the others go on; the status is then ExitStatus::failed. Fails if the connection or the login
// does, or as ListingConversation does.
Outcome<ExitStatus> list_paths(const CommonOptions& options, const std::vector<std::string>& paths,
                               unsigned depth, const Output& output, const ShowListing& show);

} // namespace ftpc::client
