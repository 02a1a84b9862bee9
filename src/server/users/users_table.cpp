#include "server/users/users_table.hpp"

#include "server/users/user_line.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::size_t max_problems = 1000;
constexpr std::string_view file_name = "users.db";

// Names hold no NUL, so a short name sorts before the longer ones that begin with it.
std::uint64_t start_of(std::string_view name)
{
    std::uint64_t start = 0;
    for (std::size_t i = 0; i < sizeof start; ++i)
        start = start << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
    return start;
}

class ProblemList {
public:
    void add(std::size_t line, std::string what)
    {
        if (found_.size() <= max_problems) found_.push_back({line, std::move(what)});
    }

    bool empty() const { return found_.empty(); }

    std::vector<Problem> take()
    {
        std::stable_sort(found_.begin(), found_.end(),
                         [](const Found& a, const Found& b) { return a.line < b.line; });
        if (found_.size() > max_problems) found_.back().what = "this and further problems are not listed";
        std::vector<Problem> problems;
        problems.reserve(found_.size());
        for (Found& found : found_)
            problems.push_back(
                {std::string{file_name} + ":" + std::to_string(found.line), std::move(found.what)});
        return problems;
    }

private:
    struct Found {
        std::size_t line;
        std::string what;
    };
    std::vector<Found> found_;
};

} // namespace

class UsersTable::Parser {
public:
    explicit Parser(std::string text) { table_->text_ = std::move(text); }

    Parsed parse() &&
    {
        table_->text_.shrink_to_fit();
        if (table_->text_.size() > max_users_file_bytes) {
            problems_.add(1, "the file is larger than 1 GiB");
            return {nullptr, problems_.take()};
        }
        read_lines();
        if (table_->realm_.empty()) problems_.add(std::max<std::size_t>(line_, 1), "there is no realm line");
        sort();
        if (problems_.empty()) return {std::move(table_), {}};
        // Named once, in place of a complaint about each line.
        if (TextFault fault = find_text_fault(table_->text_); !fault.what.empty()) {
            problems_ = {};
            problems_.add(fault.line, std::move(fault.what));
        }
        return {nullptr, problems_.take()};
    }

private:
    void read_lines()
    {
        const std::string_view text = table_->text_;
        // Most lines are users: this saves the index from growing in steps.
        table_->index_.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
        for (TextLines lines{text}; lines.next();) {
            line_ = lines.number();
            if (lines.has_end())
                read_line(lines.line());
            else
                problems_.add(line_, "the last line has no line end: the file seems to be truncated; if it "
                                     "is complete, add a line end");
        }
    }

    void read_line(std::string_view line)
    {
        if (line.size() > max_users_line_bytes)
            return problems_.add(line_, "the line is longer than 2048 bytes");
        if (says_nothing(line)) return;
        const Words words = take_word(line);
        if (words.first == "realm") return read_realm(words.rest);
        if (words.first == "user") return read_user(line);
        problems_.add(line_, "'" + printable(words.first.substr(0, 64)) + "' is neither realm nor user");
    }

    void read_realm(std::string_view rest)
    {
        const Words realm = take_word(rest);
        if (!is_realm(realm.first) || !take_word(realm.rest).first.empty())
            return problems_.add(line_, "not of the form: realm NAME (1 to 64 of A-Z, a-z, 0-9, '_', '-')");
        if (!table_->realm_.empty()) return problems_.add(line_, "there is a realm line already");
        table_->realm_ = realm.first;
    }

    void read_user(std::string_view line)
    {
        if (table_->realm_.empty() && !told_missing_realm_) {
            problems_.add(line_, "the realm line must come before the first user");
            told_missing_realm_ = true;
        }
        const auto parsed = parse_user_line(line);
        if (const auto* bad = std::get_if<BadLine>(&parsed)) return problems_.add(line_, bad->reason);
        const std::string_view name = take_word(take_word(line).rest).first;
        table_->index_.push_back({start_of(name),
                                  static_cast<std::uint32_t>(name.data() - table_->text_.data()),
                                  static_cast<std::uint32_t>(line_)});
    }

    void sort()
    {
        Index& index = table_->index_;
        std::sort(index.begin(), index.end(), [this](const Entry& a, const Entry& b) {
            return table_->less(a, b) || (!table_->less(b, a) && a.line < b.line);
        });
        const Entry* first = nullptr; // of those with the same name
        for (const Entry& entry : index) {
            if (first != nullptr && table_->name_of(*first) == table_->name_of(entry))
                problems_.add(entry.line, "user " + std::string{table_->name_of(entry)} +
                                              " is already on line " + std::to_string(first->line));
            else
                first = &entry;
        }
        index.shrink_to_fit();
    }

    std::shared_ptr<UsersTable> table_{new UsersTable};
    ProblemList problems_;
    std::size_t line_ = 0;
    bool told_missing_realm_ = false;
};

UsersTable::Parsed UsersTable::parse(std::string text)
{
    return Parser{std::move(text)}.parse();
}

std::optional<User> UsersTable::find(std::string_view name) const
{
    const auto entry = find_entry(name);
    if (entry == index_.end()) return std::nullopt;
    return at(static_cast<std::size_t>(entry - index_.begin()));
}

User UsersTable::at(std::size_t place) const
{
    const LineRange range = line_of(index_[place]);
    // Every line of the index was parsed before it was added.
    TextLines lines{std::string_view{text_}.substr(range.offset, range.bytes)};
    lines.next();
    return std::get<User>(parse_user_line(lines.line()));
}

UsersChange UsersTable::adding(const User& user) const
{
    return {text_.size(), 0, user_line(user) + "\n"};
}

UsersChange UsersTable::replacing(const User& user) const
{
    const auto entry = find_entry(user.name);
    assert(entry != index_.end());
    const auto [offset, bytes] = line_of(*entry);
    return {offset, bytes, user_line(user) + "\n"};
}

UsersChange UsersTable::removing(std::string_view existing_name) const
{
    const auto entry = find_entry(existing_name);
    assert(entry != index_.end());
    const auto [offset, bytes] = line_of(*entry);
    return {offset, bytes, {}};
}

// Only the line is looked at: reading a million others again would take longer than all the rest.
std::string UsersTable::objection_to(const UsersChange& change) const
{
    if (change.line.empty()) return {};
    const std::string_view line = std::string_view{change.line}.substr(0, change.line.size() - 1);
    if (change.line.back() != '\n' || line.find('\n') != std::string_view::npos) return "not one line";
    if (line.size() > max_users_line_bytes) return "the line is longer than 2048 bytes";
    const auto parsed = parse_user_line(line);
    if (const auto* bad = std::get_if<BadLine>(&parsed)) return bad->reason;
    const std::string& name = std::get<User>(parsed).name;
    const auto there = find_entry(name);
    if (there != index_.end() && line_of(*there) != LineRange{change.offset, change.removed_bytes})
        return "there is a user " + name + " already";
    if (text_.size() - change.removed_bytes + change.line.size() > max_users_file_bytes)
        return "the file would be larger than 1 GiB";
    return {};
}

std::string_view UsersTable::name_of(const Entry& entry) const
{
    return take_word(std::string_view{text_}.substr(entry.offset, max_users_line_bytes)).first;
}

bool UsersTable::less(const Entry& a, const Entry& b) const
{
    if (a.name_start != b.name_start) return a.name_start < b.name_start;
    return name_of(a) < name_of(b);
}

UsersTable::Index::const_iterator UsersTable::find_entry(std::string_view name) const
{
    const std::uint64_t start = start_of(name);
    const auto found =
        std::lower_bound(index_.begin(), index_.end(), name, [&](const Entry& entry, std::string_view n) {
            return entry.name_start != start ? entry.name_start < start : name_of(entry) < n;
        });
    return found != index_.end() && name_of(*found) == name ? found : index_.end();
}

UsersTable::LineRange UsersTable::line_of(const Entry& entry) const
{
    const auto before = text_.rfind('\n', entry.offset);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    return {begin, text_.find('\n', entry.offset) + 1 - begin};
}

std::string UsersTable::text_with(const UsersChange& change) const
{
    const std::string_view text = text_;
    std::string changed;
    changed.reserve(text.size() - change.removed_bytes + change.line.size());
    changed.append(text.substr(0, change.offset))
        .append(change.line)
        .append(text.substr(change.offset + change.removed_bytes));
    return changed;
}

} // namespace ftpc::server
