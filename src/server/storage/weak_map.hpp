// Objects that all users at the same time share, found by a key. Only the users keep them alive.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

namespace ftpc::server {

template <class Key, class Value>
class WeakMap {
public:
    // The object under `key`, if `suits` accepts it; else the result of `make`, from now on. From any thread;
    // neither may call this map.
    template <class Make, class Suits>
    std::shared_ptr<Value> share(const Key& key, Make make, Suits suits)
    {
        const std::scoped_lock lock{mutex_};
        if (held_.size() >= next_cleaning_) forget_those_that_nobody_holds();
        std::weak_ptr<Value>& known = held_[key];
        auto value = known.lock();
        if (!value || !suits(*value)) known = value = make();
        return value;
    }

private:
    void forget_those_that_nobody_holds()
    {
        std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
        next_cleaning_ = std::max(fewest_to_clean, 2 * held_.size());
    }

    static constexpr std::size_t fewest_to_clean = 64;

    std::mutex mutex_;
    std::map<Key, std::weak_ptr<Value>> held_;
    std::size_t next_cleaning_ = fewest_to_clean; // at this size
};

} // namespace ftpc::server
