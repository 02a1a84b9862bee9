// A file of lines that grows at its end, for one process that writes it. It is appended to only if it is
// still the file that this process has read or written last; any other must be replaced whole.
#pragma once

#include "shared/base/result.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ftpc::server {

class AppendedFile {
public:
    // `dir` is an open directory and stays open as long as this lives; `name` is one plain name.
    AppendedFile(int dir, const char* name) : dir_{dir}, name_{name} {}

    // The file as it is now is the one that was just read, with `bytes` bytes.
    void take_up(std::size_t bytes);

    enum class Appended {
        on_disk,
        must_be_replaced // it is another one than it was left, or its state is in doubt
    };
    // Appends whole lines. Fails with the system's error if there is no room, for example; the file is then
    // cut to what it was.
    Result<Appended> append(std::string_view lines);

    // As replace_file(), readable by its owner only.
    Result<void> replace(std::string_view contents);

private:
    // A file that somebody has put back, edited or opened to others differs in one of these.
    struct Identity {
        dev_t device;
        ino_t inode;
        mode_t mode;
        uid_t owner;
        off_t bytes;
        std::int64_t modified; // nanoseconds since 1970
        friend bool operator==(const Identity&, const Identity&) = default;
    };
    static std::optional<Identity> identity_of(const struct stat& status);
    static std::optional<Identity> identity_of(int file);

    int dir_;
    const char* name_;
    std::optional<Identity> known_; // none if in doubt
};

} // namespace ftpc::server
