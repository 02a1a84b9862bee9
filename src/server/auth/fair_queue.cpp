#include "server/auth/fair_queue.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::server {

std::optional<HashJob> FairQueue::push(const ipc::PeerAddress& peer, HashJob job)
{
    const PeerNetwork network = network_of(peer);
    std::optional<HashJob> displaced;
    if (size_ >= capacity_) {
        const auto longest = longest_line();
        const auto own = lines_.find(network);
        const std::size_t own_size = own == lines_.end() ? 0 : own->second.size();
        if (longest == lines_.end() || longest->second.size() <= own_size + 1) return job;
        displaced = take_newest(longest);
    }
    auto& line = lines_[network];
    if (line.empty()) turns_.push_back(network);
    line.push_back(std::move(job));
    ++size_;
    return displaced;
}

std::optional<HashJob> FairQueue::pop()
{
    if (turns_.empty()) return std::nullopt;
    const auto line = lines_.find(turns_.front());
    HashJob job = std::move(line->second.front());
    line->second.pop_front();
    --size_;
    if (line->second.empty()) {
        lines_.erase(line);
        turns_.pop_front();
    } else {
        turns_.splice(turns_.end(), turns_, turns_.begin());
    }
    return job;
}

FairQueue::Lines::iterator FairQueue::longest_line()
{
    return std::max_element(lines_.begin(), lines_.end(),
                            [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
}

// The line keeps at least one job: it is longer than another.
HashJob FairQueue::take_newest(Lines::iterator line)
{
    HashJob job = std::move(line->second.back());
    line->second.pop_back();
    --size_;
    return job;
}

} // namespace ftpc::server
