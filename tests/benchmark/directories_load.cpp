#include "benchmark/directories_load.hpp"

#include <array>
#include <charconv>
#include <stdexcept>

namespace ftpc::benchmark {

namespace {

void append_number(std::string& out, std::uint64_t number)
{
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

} // namespace

boost::json::object DirectoriesResult::to_json() const
{
    boost::json::object out{{"made", made},
                            {"refused", refused},
                            {"seconds", seconds},
                            {"per_second", static_cast<double>(made) / seconds},
                            {"generator_cpu_seconds", generator_cpu_seconds},
                            {"latency", latencies.to_json()}};
    if (!first_refusal.empty()) out["first_refusal"] = first_refusal;
    return out;
}

DirectoriesLoad::DirectoriesLoad(SessionPool& pool, DirectoriesPlan plan)
    : pool_{pool}, plan_{std::move(plan)}
{
    if (plan_.in_flight == 0 || plan_.depth == 0) throw std::runtime_error{"in flight, depth: at least 1"};
}

DirectoriesResult DirectoriesLoad::run(std::size_t first)
{
    first_ = first;
    const auto& sessions = pool_.sessions();
    lanes_.resize(sessions.size() - first);
    pool_.set_load(*this);
    for (std::size_t i = 0; i < lanes_.size(); ++i)
        lanes_[i].sent_at.resize(plan_.in_flight);
    if (plan_.own_parent) make_parents();

    measuring_ = true;
    const double cpu = own_cpu_seconds();
    const auto begin = Clock::now();
    end_ = plan_.count != 0 ? Clock::time_point::max()
                            : begin + std::chrono::duration_cast<Clock::duration>(
                                          std::chrono::duration<double>(plan_.seconds));
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        top_up(*sessions[first + i], lanes_[i], Clock::now());
        pool_.loop().flush(*sessions[first + i]);
    }
    const bool alone = sessions.size() == 1;
    if (alone) sessions.front()->make_blocking();
    while (answered_ < sent_ || may_send())
        alone ? sessions.front()->advance() : pool_.loop().round(1000);
    return result(seconds_since(begin), own_cpu_seconds() - cpu);
}

// One after the other, which takes no time worth sparing.
void DirectoriesLoad::make_parents()
{
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        auto& session = *pool_.sessions()[first_ + i];
        lanes_[i].parent = plan_.prefix + "p" + std::to_string(i);
        session.outgoing() += "MKD " + lanes_[i].parent + "\r\n";
        pool_.loop().flush(session);
        const auto before = answered_;
        while (answered_ == before)
            pool_.loop().round(1000);
        lanes_[i].parent += '/';
    }
    if (made_ != lanes_.size()) throw std::runtime_error{"no parents: " + first_refusal_};
    answered_ = made_ = 0;
}

void DirectoriesLoad::on_reply(FtpSession& session, const Reply& reply)
{
    if (reply.code == 257)
        ++made_;
    else if (first_refusal_.empty())
        first_refusal_ = reply.text;
    ++answered_;
    if (!measuring_) return;
    if (!read_at_known_) read_at_ = Clock::now(); // once for all replies of a read
    read_at_known_ = true;
    Lane& lane = lanes_[session.number() - first_];
    latencies_.record(read_at_ - lane.sent_at[lane.answered % plan_.in_flight]);
    ++lane.answered;
}

void DirectoriesLoad::on_replies_read(FtpSession& session)
{
    if (!measuring_ || !read_at_known_) return;
    read_at_known_ = false;
    if (read_at_ >= end_) stopping_ = true;
    top_up(session, lanes_[session.number() - first_], read_at_);
}

void DirectoriesLoad::top_up(FtpSession& session, Lane& lane, Clock::time_point now)
{
    while (may_send() && lane.sent - lane.answered < plan_.in_flight) {
        append_command(session.outgoing(), lane, session.number());
        lane.sent_at[lane.sent % plan_.in_flight] = now;
        ++lane.sent;
        ++sent_;
    }
}

// With MKDs for a path each command makes one name more of it: the counter's remainder says how many.
void DirectoriesLoad::append_command(std::string& out, const Lane& lane, std::size_t number) const
{
    const std::uint64_t step = plan_.site_mkdir ? 1 : plan_.depth;
    const std::uint64_t names = plan_.site_mkdir ? plan_.depth : lane.sent % step + 1;
    out += plan_.site_mkdir ? "SITE MKDIR " : "MKD ";
    out += lane.parent;
    out += plan_.prefix;
    append_number(out, number);
    out += '-';
    append_number(out, lane.sent / step);
    for (std::uint64_t i = 1; i < names; ++i) {
        out += "/s";
        append_number(out, i);
    }
    out += "\r\n";
}

DirectoriesResult DirectoriesLoad::result(double seconds, double cpu) const
{
    return {made_, answered_ - made_, seconds, cpu, latencies_, first_refusal_};
}

} // namespace ftpc::benchmark
