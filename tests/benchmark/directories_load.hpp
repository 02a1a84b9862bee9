// Making directories with commands ahead of their replies, on any number of sessions.
#pragma once

#include "benchmark/event_loop.hpp"
#include "benchmark/statistics.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ftpc::benchmark {

struct DirectoriesPlan {
    std::string prefix = "d"; // names are PREFIX SESSION - COUNTER
    unsigned in_flight = 1;   // commands ahead of their replies, for each session
    double seconds = 1;       // so long, ...
    std::uint64_t count = 0;  // ... or so many commands in all, where not 0
    unsigned depth = 1;       // a path of so many names that are all new: `mkdir -p`
    bool site_mkdir = false;  // one SITE MKDIR for a path instead of a MKD for each name
    bool own_parent = false;  // each session within a directory of its own
};

struct DirectoriesResult {
    std::uint64_t made = 0;
    std::uint64_t refused = 0;
    double seconds = 0;               // from the first command to the last reply
    double generator_cpu_seconds = 0; // of this process in that time
    Latencies latencies;
    std::string first_refusal; // the reply's text

    boost::json::object to_json() const;
};

class DirectoriesLoad : private Load {
public:
    DirectoriesLoad(SessionPool& pool, DirectoriesPlan plan);

    // `first` and the sessions opened after it take part. Makes the parents before the clock begins to run.
    DirectoriesResult run(std::size_t first = 0);

private:
    struct Lane {
        std::uint64_t sent = 0;
        std::uint64_t answered = 0;
        std::vector<Clock::time_point> sent_at; // a ring of in_flight places
        std::string parent;
    };

    void on_reply(FtpSession& session, const Reply& reply) override;
    void on_replies_read(FtpSession& session) override;
    void make_parents();
    void top_up(FtpSession& session, Lane& lane, Clock::time_point now);
    void append_command(std::string& out, const Lane& lane, std::size_t number) const;
    bool may_send() const { return !stopping_ && (plan_.count == 0 || sent_ < plan_.count); }
    DirectoriesResult result(double seconds, double cpu) const;

    SessionPool& pool_;
    DirectoriesPlan plan_;
    std::size_t first_ = 0;
    std::vector<Lane> lanes_;
    bool measuring_ = false;
    bool stopping_ = false;
    Clock::time_point end_;
    Clock::time_point read_at_;
    bool read_at_known_ = false;
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t made_ = 0;
    std::string first_refusal_;
    Latencies latencies_;
};

} // namespace ftpc::benchmark
