// One directory, or a tree of them, on its way to a client. However large it is, the memory for it is
// bounded.
#pragma once

#include "server/listing/directory_reader.hpp"
#include "server/listing/entry.hpp"
#include "server/listing/facts.hpp"
#include "server/storage/tree.hpp"
#include "shared/base/result.hpp"
#include "shared/protocol/remote_path.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

// Made and used by one thread at a time, which may wait for the file system. Links are shown as their
// targets. Those that lead out of the home, or nowhere, are left out. So is an entry that vanishes meanwhile.
class Listing {
public:
    static constexpr unsigned most_depth = 32;
    static constexpr std::size_t most_open = 2; // directories at once, the lowest ones

    // The entries of a directory, without "." and "..", or a file alone. `tree` must outlive the listing.
    // Fails as Tree::open; with ENOTDIR for the facts of a file (RFC 3659 §7.2).
    static Result<std::unique_ptr<Listing>> open(const Tree& tree, const Directory& home,
                                                 const RemotePath& path, ListingForm form, FactSet facts);

    // The facts of `path` and of all that lies beneath it, `depth` levels down, at most most_depth. The
    // contents of a directory follow it (docs/protocol.md §11). Links, and directories that may not be read,
    // are shown and not entered. Fails as Tree::open.
    static Result<std::unique_ptr<Listing>> open_tree(const Tree& tree, const Directory& home,
                                                      const RemotePath& path, unsigned depth);

    // The next lines, each ended by CRLF: at most `most` bytes, or one line; empty at the end. Fails with the
    // file system's error.
    Result<std::string> next(std::size_t most);

    // Nothing more comes. False: next() has to be asked.
    bool at_end() const { return levels_.empty() && pending_.empty(); }

    // Names left out so far because no reply can show them: not UTF-8, with control characters, or beyond
    // max_path_bytes.
    std::uint64_t unlisted() const { return unlisted_; }

private:
    struct Level {
        DirectoryReader reader;
        std::size_t path_bytes; // of path_, as far as this directory
    };
    enum class Seen { nothing, itself, target }; // target: of a link

    Listing(const Tree& tree, Directory home, const RemotePath& path, ListingForm form, FactSet facts);

    error_code enter_top(const OpenDirectory& directory);
    error_code enter_below(const char* name);
    error_code leave();
    error_code add_next(std::string& out);
    bool can_be_shown(std::string_view name) const;
    Result<Seen> look_at(const dirent64& found);
    Result<Seen> look_behind(const char* link);
    void append_line(std::string& out, std::string_view name) const;

    const Tree& tree_;
    Directory home_;
    ListingForm form_;
    FactSet facts_;
    unsigned depth_ = 1;        // levels that are read
    std::int64_t now_;          // seconds since 1970
    std::string path_;          // of the directory that is being read, relative to the home: "" or "a/b/"
    std::size_t top_bytes_ = 0; // of path_, as far as the directory that is listed
    std::vector<Level> levels_;
    Entry entry_;         // the facts of the one at hand
    std::string pending_; // a line that the piece before had no room for
    std::uint64_t unlisted_ = 0;
};

// The next lines of a listing, for a thread that goes on with it.
struct ListingPiece {
    std::shared_ptr<Listing> listing;
    std::string lines; // each ended by CRLF
};

// Takes it from the thread that read it before. Fails as Listing::next; a failed `listing` is passed on.
Result<ListingPiece> read_piece(Result<std::shared_ptr<Listing>> listing, std::size_t most);

} // namespace ftpc::server
