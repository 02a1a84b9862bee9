// All users of one users.db as it was at one moment: immutable, so that a snapshot may be used while the file
// changes. It is the text of the file and, for each user, 16 bytes of index, sorted by name.
#pragma once

#include "server/config/settings.hpp"
#include "server/users/user_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

inline constexpr std::size_t max_users_file_bytes = 1U << 30;

// One line of users.db that is added, replaced or taken out.
struct UsersChange {
    std::size_t offset;        // where in the text
    std::size_t removed_bytes; // with the line end
    std::string line;          // the new text, with its line end; empty when a user is removed
};

class UsersTable {
public:
    struct Parsed {
        std::shared_ptr<const UsersTable> table; // null when there is any problem
        std::vector<Problem> problems; // {"users.db:LINE", reason}, by line; after 1,000 it says so and ends
    };
    // Finds every fault of `text`: bad lines, a user that is there twice, a last line without its line end,
    // which a truncated file has. The realm must not be missing, come twice, or come behind a user.
    static Parsed parse(std::string text);

    const std::string& realm() const { return realm_; }
    const std::string& text() const { return text_; }
    std::size_t size() const { return index_.size(); }
    std::optional<User> find(std::string_view name) const;
    // The users in the order of their names; `place` < size().
    User at(std::size_t place) const;

    UsersChange adding(const User& user) const;                 // a user that is not there yet
    UsersChange replacing(const User& user) const;              // a user that is there, by name
    UsersChange removing(std::string_view existing_name) const; // with its line

    // Why the file would no longer be good with this change; empty if it would be.
    std::string objection_to(const UsersChange& change) const;
    // The text of the file with a change; every other line stays as it is, byte for byte.
    std::string text_with(const UsersChange& change) const;

private:
    struct Entry {
        std::uint64_t name_start; // the first 8 characters, so that most comparisons stay in the index
        std::uint32_t offset;     // of the name in the text
        std::uint32_t line;       // number of its line, from 1
    };
    class Parser;
    using Index = std::vector<Entry>;

    UsersTable() = default;
    std::string_view name_of(const Entry& entry) const;
    bool less(const Entry& a, const Entry& b) const;
    Index::const_iterator find_entry(std::string_view name) const;
    // The position of the line of `entry`, and its length with its line end.
    struct LineRange {
        std::size_t offset;
        std::size_t bytes;
        bool operator==(const LineRange&) const = default;
    };
    LineRange line_of(const Entry& entry) const;

    std::string text_;
    std::string realm_;
    Index index_;
};

} // namespace ftpc::server
