// Counts the directories in a listing that comes in pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ftpc::benchmark {

class EntryCounter {
public:
    // `facts`: lines of MLSD (RFC 3659 §7.2); else those of LIST, as `ls -l` shows them.
    explicit EntryCounter(bool facts) : facts_{facts} {}

    void take(std::string_view bytes);
    // Lines that name a directory, without "." and "..".
    std::uint64_t entries() const { return entries_; }

private:
    void take_line(std::string_view line);

    bool facts_;
    std::string begun_; // a line whose end has not come
    std::uint64_t entries_ = 0;
};

} // namespace ftpc::benchmark
