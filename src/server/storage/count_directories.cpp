#include "server/storage/count_directories.hpp"

#include "server/storage/beneath.hpp"
#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/files/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

namespace {

constexpr std::size_t most_levels = 1024;
constexpr std::size_t most_open = 32; // levels, the lowest ones

// One directory on the way down: those in it that have not been looked into yet.
struct Level {
    UniqueFd fd; // none while the walk is far below
    std::vector<std::string> names;
    dev_t device = 0; // the name to open it by again
    ino_t inode = 0;
};

bool is_directory(int parent, const dirent64& entry)
{
    const std::string_view name = entry.d_name;
    if (name == "." || name == "..") return false;
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat status {};
    return ::fstatat(parent, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

class Counter {
public:
    explicit Counter(int top)
        : counts_links_{link_count_tells_of_directories(top)}, has_openat2_{openat2_works(top)}, top_{top}
    {}

    Result<std::uint64_t> count()
    {
        // A description of its own: the reading position of `top` is shared with others.
        UniqueFd start{::openat(top_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!start) return last_system_error();
        if (const error_code failure = enter(std::move(start))) return failure;
        while (!levels_.empty()) {
            Level& here = levels_.back();
            if (here.names.empty()) {
                if (const error_code failure = leave()) return failure;
                continue;
            }
            const std::string name = std::move(here.names.back());
            here.names.pop_back();
            if (const error_code failure = look_into(here.fd.get(), name)) return failure;
        }
        return counted_;
    }

private:
    error_code look_into(int parent, const std::string& name)
    {
        auto fd = open(parent, name);
        if (!fd) return is_passed_over(fd.error().value()) ? error_code{} : fd.error();
        struct stat status {};
        if (::fstat(fd->get(), &status) != 0) return last_system_error();
        if (counts_links_ && status.st_nlink == 2) return {};
        return enter(std::move(*fd));
    }

    // Counts the directories in `fd`, to be looked into next.
    error_code enter(UniqueFd fd)
    {
        if (levels_.size() >= most_levels) return {ELOOP, boost::system::system_category()};
        Level level{std::move(fd), {}, {}, {}};
        while (true) {
            const ssize_t size = ::getdents64(level.fd.get(), buffer_.data(), buffer_.size());
            if (size < 0) return last_system_error();
            if (size == 0) break;
            for (ssize_t place = 0; place < size;) {
                const auto* const entry = reinterpret_cast<const dirent64*>(buffer_.data() + place);
                if (is_directory(level.fd.get(), *entry)) level.names.emplace_back(entry->d_name);
                place += entry->d_reclen;
            }
        }
        counted_ += level.names.size();
        if (level.names.empty()) return {};
        levels_.push_back(std::move(level));
        return levels_.size() > most_open ? close(levels_[levels_.size() - most_open - 1]) : error_code{};
    }

    static error_code close(Level& level)
    {
        if (!level.fd) return {};
        struct stat status {};
        if (::fstat(level.fd.get(), &status) != 0) return last_system_error();
        level.device = status.st_dev;
        level.inode = status.st_ino;
        level.fd = {};
        return {};
    }

    // Back to the level above. EAGAIN if the one below has been moved elsewhere meanwhile.
    error_code leave()
    {
        const UniqueFd below = std::move(levels_.back().fd);
        levels_.pop_back();
        if (levels_.empty() || levels_.back().fd) return {};
        UniqueFd above{::openat(below.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        struct stat status {};
        if (!above || ::fstat(above.get(), &status) != 0) return last_system_error();
        Level& level = levels_.back();
        if (status.st_dev != level.device || status.st_ino != level.inode)
            return {EAGAIN, boost::system::system_category()};
        level.fd = std::move(above);
        return {};
    }

    Result<UniqueFd> open(int parent, const std::string& name) const
    {
        if (has_openat2_) return open_beneath(parent, name, O_RDONLY | O_NOFOLLOW, Mounts::stay);
        auto fd = open_by_walking(parent, name, O_RDONLY);
        if (fd && !on_same_mount(parent, fd->get()))
            return error_code{EXDEV, boost::system::system_category()};
        return fd;
    }

    // Gone or replaced meanwhile; a mount; not ours to read.
    static bool is_passed_over(int number)
    {
        return number == ENOENT || number == ENOTDIR || number == ELOOP || number == EXDEV ||
               number == EACCES || number == EPERM;
    }

    bool counts_links_;
    bool has_openat2_;
    int top_;
    std::uint64_t counted_ = 0;
    std::vector<Level> levels_;
    alignas(dirent64) std::array<char, 32768> buffer_{};
};

} // namespace

Result<std::uint64_t> count_directories(int top)
{
    return Counter{top}.count();
}

} // namespace ftpc::server
