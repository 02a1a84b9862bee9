#include "server/directories/tree_marker.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/crypto/digest.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <stdexcept>

namespace ftpc::server {

namespace {

using Identifier = std::array<std::uint8_t, 16>;
constexpr std::size_t max_known_trees_bytes = std::size_t{64} * 1024;
constexpr std::size_t max_marker_bytes = 256;

bool is_identifier(std::string_view text)
{
    Identifier id;
    return hex_decode_into(text, id).has_value();
}

std::string new_identifier()
{
    Identifier id;
    fill_random(id);
    return hex_encode(id);
}

// For the calls on files that it lives through, this process is that user.
class FilesAs {
public:
    explicit FilesAs(const FileOwner& user)
    {
        ::setfsgid(user.group);
        ::setfsuid(user.user);
    }
    ~FilesAs()
    {
        ::setfsuid(::geteuid());
        ::setfsgid(::getegid());
    }
    FilesAs(const FilesAs&) = delete;
    FilesAs& operator=(const FilesAs&) = delete;
};

// ---- TREE/.ftpcd-tree

// Empty if there is none. Fails with Errc::bad_argument if it is damaged.
Result<std::string> read_marker(int tree)
{
    const auto text = read_file(tree, tree_marker_name, max_marker_bytes);
    if (!text && text.error() == boost::system::errc::no_such_file_or_directory) return std::string{};
    if (!text) return text.error();
    const std::string id = text->substr(0, text->find('\n'));
    if (!is_identifier(id)) return Errc::bad_argument;
    return id;
}

Result<void> write_marker(int tree, const std::string& id)
{
    remove_left_temporaries(tree, tree_marker_name);
    return replace_file(tree, tree_marker_name, id + "\n", S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
}

// The tree's identifier, which it gets if it has none.
Result<std::string> read_or_make_marker(int tree, std::optional<FileOwner> net)
{
    auto there = read_marker(tree);
    const bool damaged = !there && there.error() == Errc::bad_argument;
    if (!damaged && (!there || !there->empty())) return there;
    const std::string id = new_identifier();
    auto written = write_marker(tree, id);
    if (!written && written.error() == boost::system::errc::permission_denied && net) {
        const FilesAs as_net{*net};
        written = write_marker(tree, id);
    }
    if (!written) return written.error();
    return id;
}

// ---- DATA/trees

// The identifier of the tree with that path, which the last line for it has; empty: none. A line that was cut
// off has no end, and counts for nothing.
std::string find_tree(const std::string& known_trees, const std::string& path)
{
    std::string found;
    std::istringstream lines{known_trees.substr(0, known_trees.rfind('\n') + 1)};
    for (std::string line; std::getline(lines, line);) {
        const auto space = line.find(' ');
        const std::string id = line.substr(0, space);
        if (space != std::string::npos && line.substr(space + 1) == printable(path) && is_identifier(id))
            found = id;
    }
    return found;
}

Result<void> append(int known_trees, const std::string& before, const std::string& line)
{
    const std::string text = (before.empty() || before.back() == '\n' ? "" : "\n") + line;
    if (before.size() + text.size() > max_known_trees_bytes)
        return error_code{EFBIG, boost::system::system_category()};
    if (::write(known_trees, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(known_trees) != 0)
        return last_system_error();
    return {};
}

// Empty if there is none, or it cannot be read: then a missing mount goes unnoticed, and nothing else is
// lost.
std::string read_known_trees(int data)
{
    const auto text = read_file(data, known_trees_name, max_known_trees_bytes);
    return text ? *text : std::string{};
}

// ---- both

std::string in_words(const TreePlace& place, const std::string& what)
{
    return what + "; if this is the right tree all the same (moved, or restored without the file " +
           tree_marker_name + "), accept it with: rm " + shell_word(place.data_path + "/" + known_trees_name);
}

std::string compare(const TreePlace& place, int tree, const std::string& remembered)
{
    if (remembered.empty()) return {};
    if (tree < 0)
        return in_words(place, "is missing, but was there before; mount its file system, and start again");
    const auto marker = read_marker(tree);
    if (!marker && marker.error() != Errc::bad_argument)
        return std::string{"the file "} + tree_marker_name +
               " in it, by which it is known, cannot be read: " + why_not_read(marker.error());
    if (marker && *marker == remembered) return {};
    if (marker && marker->empty())
        return in_words(place, std::string{"is not the tree that was there before: it has no file "} +
                                   tree_marker_name +
                                   ", so its file system seems not to be mounted; mount it, and start again");
    return in_words(place, std::string{"is not the tree that was there before: its file "} +
                               tree_marker_name +
                               " is another one, so another file system seems to be mounted there; mount the "
                               "right one, and start again");
}

} // namespace

std::string tree_problem(const TreePlace& place, int tree)
{
    return compare(place, tree, find_tree(read_known_trees(place.data), place.root));
}

std::string recognize_tree(const TreePlace& place, int tree, std::optional<FileOwner> net)
{
    const std::string problem = tree_problem(place, tree);
    // protection: missing-mount
    if (!problem.empty()) throw std::runtime_error{place.root + ": " + problem};
    const UniqueFd known{::openat(place.data, known_trees_name,
                                  O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                                  S_IRUSR | S_IWUSR)};
    const std::string file = place.data_path + "/" + known_trees_name + ": ";
    // Another command may be about to do the same.
    if (!known || ::flock(known.get(), LOCK_EX) != 0) return file + last_system_error().message();
    const auto before = read_all(known.get(), max_known_trees_bytes);
    if (!before) return file + before.error().message();
    if (!find_tree(*before, place.root).empty()) return {};
    const auto id = read_or_make_marker(tree, net);
    if (!id) return place.root + "/" + tree_marker_name + ": " + id.error().message();
    const auto remembered = append(known.get(), *before, *id + " " + printable(place.root) + "\n");
    return remembered ? std::string{} : file + remembered.error().message();
}

} // namespace ftpc::server
