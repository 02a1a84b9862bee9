#include "server/storage/workers.hpp"

#include "shared/base/processors.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace ftpc::server {

namespace {

constexpr std::chrono::seconds idle_time{10};

} // namespace

struct Workers::State {
    struct Waiting {
        bool local = false;
        unsigned running = 0;
        std::deque<std::function<void()>> work;
    };

    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::uint64_t, Waiting> lanes; // those with something running or waiting
    std::uint64_t last_served = 0;          // key of the lane that a thread went to last
    const std::vector<int> processors = usable_processors();
    unsigned most_threads;
    unsigned threads = 0;
    unsigned running = 0;
    std::size_t waiting = 0; // work of all lanes
    bool stopping = false;

    explicit State(unsigned most) : most_threads{most} {}

    bool may_run_another(const Waiting& lane) const
    {
        const unsigned others = running - lane.running;
        const unsigned kept = lane.local ? 0 : std::max(1U, most_threads / 8);
        if (others + lane.running + kept >= most_threads) return false;
        // protection: threads-shared
        return lane.running == 0 || lane.running + 1 <= (most_threads - kept - others) / 2;
    }

    // The next lane, in turn, that has work and may have a thread for it; end() if there is none.
    std::map<std::uint64_t, Waiting>::iterator next_lane()
    {
        const auto ready = [this](const auto& entry) {
            return !entry.second.work.empty() && may_run_another(entry.second);
        };
        const auto middle = lanes.upper_bound(last_served);
        const auto found = std::find_if(middle, lanes.end(), ready);
        if (found != lanes.end()) return found;
        const auto before = std::find_if(lanes.begin(), middle, ready);
        return before == middle ? lanes.end() : before;
    }
};

Workers::Workers(unsigned most_threads) : state_{std::make_shared<State>(most_threads)} {}

Workers::~Workers()
{
    const std::scoped_lock lock{state_->mutex};
    state_->stopping = true;
    for (auto& [key, lane] : state_->lanes)
        lane.work.clear();
    state_->waiting = 0;
    state_->changed.notify_all();
}

bool Workers::submit(Lane lane, std::function<void()> work)
{
    std::unique_lock lock{state_->mutex};
    State::Waiting& waiting = state_->lanes[lane.key];
    if (waiting.work.size() >= most_waiting) return false;
    waiting.local = lane.local;
    waiting.work.push_back(std::move(work));
    ++state_->waiting;
    const bool enough = state_->threads - state_->running >= state_->waiting;
    const bool taken = enough || state_->threads >= state_->most_threads || start_thread();
    if (!taken) {
        state_->lanes.erase(lane.key);
        state_->waiting = 0;
    }
    lock.unlock(); // or the thread would wake up only to wait for it
    state_->changed.notify_one();
    return taken;
}

// False: there is no thread at all; else the others will come to the work.
bool Workers::start_thread()
{
    try {
        std::thread{[state = state_] { run(state); }}.detach();
        ++state_->threads;
    } catch (const std::system_error&) {
        return state_->threads > 0;
    }
    return true;
}

bool Workers::busy() const
{
    const std::scoped_lock lock{state_->mutex};
    return state_->running > 0 || state_->waiting > 0;
}

void Workers::set_most_threads(unsigned most_threads)
{
    const std::scoped_lock lock{state_->mutex};
    state_->most_threads = most_threads;
    state_->changed.notify_all();
}

void Workers::run(const std::shared_ptr<State>& state)
{
    // protection: any-processor
    stay_on_processors(state->processors); // it begins with those of the thread that started it, a reactor's
    std::unique_lock lock{state->mutex};
    auto lane = state->lanes.end();
    const auto has_work = [&] {
        lane = state->next_lane();
        return state->stopping || lane != state->lanes.end();
    };
    while (state->changed.wait_for(lock, idle_time, has_work) && !state->stopping) {
        std::function<void()> work = std::move(lane->second.work.front());
        lane->second.work.pop_front();
        --state->waiting;
        state->last_served = lane->first;
        ++lane->second.running;
        ++state->running;
        lock.unlock();
        work();
        work = nullptr; // with its captures, outside of the lock
        lock.lock();
        --state->running;
        --lane->second.running;
        if (lane->second.running == 0 && lane->second.work.empty()) state->lanes.erase(lane);
        state->changed.notify_one(); // a lane that waited for this thread's place
    }
    --state->threads;
}

} // namespace ftpc::server
