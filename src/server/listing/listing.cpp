#include "server/listing/listing.hpp"

#include "server/listing/formats.hpp"
#include "server/listing/look_up.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

namespace ftpc::server {

namespace {

bool is_errno(const error_code& failure, int number)
{
    return failure == error_code{number, boost::system::system_category()};
}

// The server's trouble, or the disk's. Other failures are of one entry alone: it is gone or not ours to see,
// or a mount there answers nothing.
bool ends_listing(const error_code& failure)
{
    return is_errno(failure, EMFILE) || is_errno(failure, ENFILE) || is_errno(failure, ENOMEM) ||
           is_errno(failure, EIO);
}

bool is_text(std::string_view name)
{
    return is_printable_ascii(name) || (is_utf8(name) && !has_control_character(name));
}

Result<UniqueFd> open_to_read(int parent, const char* name)
{
    // protection: entered-links
    UniqueFd opened{::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!opened) return last_system_error();
    return opened;
}

} // namespace

Listing::Listing(const Tree& tree, Directory home, const RemotePath& path, ListingForm form, FactSet facts)
    : tree_{tree}, home_{std::move(home)}, form_{form}, facts_{facts}, now_{std::time(nullptr)},
      path_{path.relative()}
{
    if (!path_.empty()) path_ += '/';
    top_bytes_ = path_.size();
}

Result<std::unique_ptr<Listing>> Listing::open(const Tree& tree, const Directory& home,
                                               const RemotePath& path, ListingForm form, FactSet facts)
{
    std::unique_ptr<Listing> listing{new Listing{tree, home, path, form, facts}};
    const auto directory = tree.open(home, path);
    if (directory) {
        if (const error_code failure = listing->enter_top(**directory)) return failure;
        return listing;
    }
    if (form == ListingForm::facts || !is_errno(directory.error(), ENOTDIR)) return directory.error();
    auto file = look_up(tree, home, path, Blocking::any);
    if (!file) return file.error();
    listing->entry_ = std::move(*file);
    listing->append_line(listing->pending_, listing->entry_.name);
    return listing;
}

Result<std::unique_ptr<Listing>> Listing::open_tree(const Tree& tree, const Directory& home,
                                                    const RemotePath& path, unsigned depth)
{
    std::unique_ptr<Listing> listing{new Listing{tree, home, path, ListingForm::facts, FactSet{}}};
    auto top = look_up(tree, home, path, Blocking::any);
    if (!top) return top.error();
    listing->entry_ = std::move(*top);
    listing->append_line(listing->pending_, path.text());
    listing->depth_ = std::min(depth, most_depth);
    if (listing->entry_.kind != EntryKind::directory || depth == 0) return listing;
    const auto directory = tree.open(home, path);
    if (!directory) return directory.error();
    if (const error_code failure = listing->enter_top(**directory)) return failure;
    return listing;
}

Result<std::string> Listing::next(std::size_t most)
{
    std::string out = std::exchange(pending_, {});
    while (out.size() < most && !levels_.empty()) {
        const std::size_t before = out.size();
        if (const error_code failure = add_next(out)) return failure;
        // protection: listing-pieces
        if (out.size() > most && before > 0) {
            pending_.assign(out, before);
            out.resize(before);
            break;
        }
    }
    return out;
}

// ---- levels

// A description of its own: other users of `directory` share its reading position. And it may be open only
// for looking things up in it.
error_code Listing::enter_top(const OpenDirectory& directory)
{
    auto opened = open_to_read(directory.fd.get(), ".");
    if (!opened) return opened.error();
    levels_.push_back({DirectoryReader{std::move(*opened)}, path_.size()});
    return {};
}

error_code Listing::enter_below(const char* name)
{
    auto opened = open_to_read(levels_.back().reader.fd(), name);
    if (!opened) return ends_listing(opened.error()) ? opened.error() : error_code{};
    path_.append(name).append("/");
    levels_.push_back({DirectoryReader{std::move(*opened)}, path_.size()});
    if (levels_.size() <= most_open) return {};
    DirectoryReader& above = levels_[levels_.size() - most_open - 1].reader;
    // protection: listing-descriptors
    return above.is_open() ? above.close() : error_code{};
}

// Back to the level above. EAGAIN if it has to be opened again, and the one below has been moved elsewhere or
// removed meanwhile.
error_code Listing::leave()
{
    const DirectoryReader below = std::move(levels_.back().reader);
    levels_.pop_back();
    if (levels_.empty()) return {};
    path_.resize(levels_.back().path_bytes);
    if (levels_.back().reader.is_open()) return {};
    auto above = open_to_read(below.fd(), "..");
    const error_code failure = above ? levels_.back().reader.reopen(std::move(*above)) : above.error();
    if (!failure || ends_listing(failure)) return failure;
    return {EAGAIN, boost::system::system_category()};
}

// ---- entries

// Adds a line, or comes closer to the next one.
error_code Listing::add_next(std::string& out)
{
    const auto found = levels_.back().reader.next();
    const bool removed = !found && is_errno(found.error(), ENOENT) && levels_.size() > 1;
    if (!found && !removed) return found.error();
    if (removed || *found == nullptr) return leave();
    const char* const name = (*found)->d_name;
    // protection: listing-names
    if (!can_be_shown(name)) {
        ++unlisted_;
        return {};
    }
    const auto seen = look_at(**found);
    if (!seen) return seen.error();
    if (*seen == Seen::nothing) return {};
    append_line(out, name);
    const bool enters = *seen == Seen::itself && entry_.kind == EntryKind::directory;
    return enters && levels_.size() < depth_ ? enter_below(name) : error_code{};
}

bool Listing::can_be_shown(std::string_view name) const
{
    const std::size_t whole = 1 + path_.size() + name.size(); // with the slash of the home before it
    return name.size() <= max_name_bytes && whole <= max_path_bytes && is_text(name);
}

// Puts the facts of `found` into entry_, as far as the form needs them.
Result<Listing::Seen> Listing::look_at(const dirent64& found)
{
    if (found.d_type == DT_LNK) return look_behind(found.d_name);
    if (form_ == ListingForm::names && found.d_type != DT_UNKNOWN) return Seen::itself;
    struct stat status {};
    if (::fstatat(levels_.back().reader.fd(), found.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        const error_code failure = last_system_error();
        return ends_listing(failure) ? Result<Seen>{failure} : Seen::nothing;
    }
    if (S_ISLNK(status.st_mode)) return look_behind(found.d_name);
    set_facts(entry_, status);
    return Seen::itself;
}

// The link is looked up from the home, which its target must not leave.
Result<Listing::Seen> Listing::look_behind(const char* link)
{
    const auto status = tree_.status(home_, path_ + link);
    if (!status) return ends_listing(status.error()) ? Result<Seen>{status.error()} : Seen::nothing;
    set_facts(entry_, *status);
    return Seen::target;
}

void Listing::append_line(std::string& out, std::string_view name) const
{
    if (form_ == ListingForm::list) append_list_columns(out, entry_, now_);
    if (form_ == ListingForm::facts) {
        append_facts(out, entry_, facts_);
        out += ' ';
    }
    if (!levels_.empty()) out.append(path_, top_bytes_);
    out.append(name).append("\r\n");
}

Result<ListingPiece> read_piece(Result<std::shared_ptr<Listing>> listing, std::size_t most)
{
    if (!listing) return listing.error();
    auto lines = (*listing)->next(most);
    if (!lines) return lines.error();
    return ListingPiece{std::move(*listing), std::move(*lines)};
}

} // namespace ftpc::server
