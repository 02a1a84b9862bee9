// The log lines of net. Unauthenticated clients cannot flood it, and a directory costs it as little as
// possible. Each thread has an own log; the bounds are shared.
#pragma once

#include "server/log/log.hpp"
#include "server/log/log_throttle.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ftpc::server {

// Bounds on lines. A kind of trouble is logged once a second, with the number of withheld ones. Connections
// before their login are logged as far as there are not too many of them. For any thread.
class LogBounds {
public:
    enum class Trouble {
        no_descriptors,
        no_room,
        too_many_sessions,
        too_fast,
        tree_refuses,
        sync_failed,
        unexpected_connection,
        transfer_failed,
    };
    static constexpr unsigned unauthenticated_lines_a_second = 100;

    // As LogThrottle::pass().
    std::optional<std::uint64_t> pass_unauthenticated();
    std::optional<std::uint64_t> pass(Trouble kind);

private:
    std::mutex mutex_;
    LogThrottle unauthenticated_{unauthenticated_lines_a_second};
    std::array<LogThrottle, 8> troubles_{LogThrottle{1}, LogThrottle{1}, LogThrottle{1}, LogThrottle{1},
                                         LogThrottle{1}, LogThrottle{1}, LogThrottle{1}, LogThrottle{1}};
};

class EventLog {
public:
    using Fields = std::initializer_list<LogField>;
    using Trouble = LogBounds::Trouble;

    // Has flush_on_time() called after `delay`.
    using Delay = std::chrono::milliseconds;
    using FlushLater = std::function<void(Delay delay)>;

    explicit EventLog(LogBounds& bounds, FlushLater flush_later = {})
        : bounds_{&bounds}, flush_later_{std::move(flush_later)}
    {}
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;
    ~EventLog() { flush(); }

    void event(std::string_view event, Fields fields);
    void unauthenticated(std::string_view event, Fields fields);
    void trouble(Trouble kind, std::string_view event, Fields fields);

    // The logged bytes of a longer path. Even with every byte of it escaped, the line with its other fields
    // fits into one write.
    static constexpr std::size_t max_path_bytes = 700;

    // Gathered with its like, and written when they fill a write(2), 20 ms after the first of them, or before
    // another event.
    // `made`: how many directories, with those that were missing above it.
    void directory_made(std::uint64_t connection, std::string_view user, std::string_view path,
                        std::size_t made);

    // Gives the gathered lines the current time. Call it when a turn of a connection ends.
    void put_into_words();

    void flush();
    void flush_on_time();

private:
    // Behind one another in gathered_text_: the user, and the path or as much of it as is logged.
    struct Gathered {
        std::uint64_t connection;
        std::size_t user_bytes;
        std::size_t logged_bytes; // of the path
        std::size_t path_bytes;   // of the whole path
        std::size_t made;
    };

    void write(std::string_view event, Fields fields, std::uint64_t withheld);
    void append_line(std::string_view time, const Gathered& directory, std::string_view user,
                     std::string_view path);

    bool will_flush_ = false;
    std::vector<Gathered> gathered_; // not in words yet
    std::string gathered_text_;
    RepeatedLogEvent directory_made_; // the connection of the lines that are formatted
    std::string lines_;
    std::uint64_t line_count_ = 0;
    LogBounds* bounds_;
    FlushLater flush_later_;
};

} // namespace ftpc::server
