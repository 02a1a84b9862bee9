#include "server/auth/state/fair_queue.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::server {

std::optional<HashJob> FairQueue::push(const ipc::PeerAddress& peer, LoginRank rank, HashJob job)
{
    // protection: fair-queue
    const Key key{rank, network_of(peer)};
    std::optional<HashJob> displaced;
    if (size_ >= capacity_) drop_withdrawn();
    if (size_ >= capacity_) {
        const auto longest = line_to_shorten();
        const auto own = lines_.find(key);
        const std::size_t own_size = own == lines_.end() ? 0 : own->second.size();
        const bool gives_way = longest != lines_.end() &&
                               (longest->first.first > rank ||
                                (longest->first.first == rank && longest->second.size() > own_size + 1));
        if (!gives_way) return job;
        displaced = take_newest(longest);
    }
    auto& line = lines_[key];
    if (line.empty()) turns_[rank].push_back(key.second);
    line.push_back(std::move(job));
    ++size_;
    return displaced;
}

std::optional<HashJob> FairQueue::pop()
{
    if (turns_.empty()) return std::nullopt;
    auto& [rank, turns] = *turns_.begin();
    const auto line = lines_.find({rank, turns.front()});
    HashJob job = std::move(line->second.front());
    line->second.pop_front();
    --size_;
    if (line->second.empty())
        end_line(line);
    else
        turns.splice(turns.end(), turns, turns.begin());
    return job;
}

std::vector<HashJob> FairQueue::take_all_of(const ipc::PeerAddress& peer)
{
    const PeerNetwork network = network_of(peer);
    std::vector<HashJob> taken;
    for (auto line = lines_.begin(); line != lines_.end();) {
        const auto next = std::next(line);
        if (line->first.second == network) {
            std::move(line->second.begin(), line->second.end(), std::back_inserter(taken));
            size_ -= line->second.size();
            end_line(line);
        }
        line = next;
    }
    return taken;
}

void FairQueue::drop_withdrawn()
{
    for (auto line = lines_.begin(); line != lines_.end();) {
        const auto next = std::next(line);
        size_ -= std::erase_if(line->second, [](const HashJob& job) { return job.is_withdrawn(); });
        if (line->second.empty()) end_line(line);
        line = next;
    }
}

// The longest line of the worst rank that has any.
FairQueue::Lines::iterator FairQueue::line_to_shorten()
{
    return std::max_element(lines_.begin(), lines_.end(), [](const auto& a, const auto& b) {
        return std::pair{a.first.first, a.second.size()} < std::pair{b.first.first, b.second.size()};
    });
}

HashJob FairQueue::take_newest(Lines::iterator line)
{
    HashJob job = std::move(line->second.back());
    line->second.pop_back();
    --size_;
    if (line->second.empty()) end_line(line);
    return job;
}

void FairQueue::end_line(Lines::iterator line)
{
    const auto turns = turns_.find(line->first.first);
    turns->second.remove(line->first.second);
    if (turns->second.empty()) turns_.erase(turns);
    lines_.erase(line);
}

} // namespace ftpc::server
