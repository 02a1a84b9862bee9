// Replies to SITE MLSD from a server that may send anything, up to the tree that ftpc ls and tree show. The
// first byte is the depth that was asked for; the lines of the replies follow.
#include "client/commands/listing_conversation.hpp"
#include "client/commands/listing_text.hpp"
#include "fuzz/require.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace ftpc;
using namespace ftpc::client;
using fuzz::require;

namespace {

constexpr std::size_t held_bytes = 16384;

struct Counted {
    std::size_t entries = 0;
    std::size_t name_bytes = 0;
};

void check_entry(const Listed& entry, unsigned levels, Counted& counted)
{
    require(entry.children.empty() || (entry.is_directory() && levels > 0), "entries lie in directories");
    require(!has_control_character(shown_name(entry)), "a name is shown without control characters");
    require(mode_text(entry.facts).size() == 10, "permissions have their columns");
    ++counted.entries;
    counted.name_bytes += entry.name.size();
    for (const Listed& child : entry.children) {
        require(!child.name.empty() && child.name != "." && child.name != "..", "an entry has a name");
        require(child.name.find('/') == std::string::npos, "a name is one component");
        require(child.name.size() <= max_name_bytes && is_utf8(child.name), "a name is bounded text");
        check_entry(child, levels - 1, counted);
    }
}

void check_listing(ListingConversation& listing, unsigned depth)
{
    require(is_seen_as_it_is(listing.left_out()), "the server's words are safe to print");
    Counted counted;
    check_entry(listing.top(), depth, counted);
    require(counted.entries * sizeof(Listed) + counted.name_bytes <= held_bytes, "a listing is bounded");
    arrange(listing.top(), false);
}

void check_refusal(const ListingConversation& listing)
{
    require(is_seen_as_it_is(listing.reason()) && listing.code() >= 400, "a refusal is safe to print");
}

void check_failure(const Failure& failure)
{
    require(failure.status == ExitStatus::unreachable || failure.status == ExitStatus::failed,
            "a listing fails by its server or by its size");
    require(!has_control_character(failure.message.substr(0, failure.message.find('\n'))),
            "a failure is safe to print");
}

// False when the conversation is over.
bool take(ListingConversation& listing, const Reply& reply, unsigned depth)
{
    const auto state = listing.on_reply(reply);
    if (!state)
        check_failure(state.error());
    else if (*state == ListingConversation::State::complete)
        check_listing(listing, depth);
    else if (*state == ListingConversation::State::refused)
        check_refusal(listing);
    return state && *state == ListingConversation::State::more;
}

void converse(std::string_view bytes, const RemotePath& path, unsigned depth)
{
    ListingConversation listing{"host:2121", path, depth, held_bytes};
    ReplyReader reader;
    while (!bytes.empty()) {
        const std::string_view line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
        const auto state = reader.feed(line);
        if (state == ReplyReader::State::malformed) return;
        if (state == ReplyReader::State::complete && !take(listing, reader.reply(), depth)) return;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const unsigned depth = data[0] % (ListingConversation::most_depth + 1);
    const std::string_view replies{reinterpret_cast<const char*>(data) + 1, size - 1};
    converse(replies, {}, depth);
    converse(replies, RemotePath{}.resolve("/a").value(), depth);
    return 0;
}
