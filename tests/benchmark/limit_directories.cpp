#include "benchmark/limits.hpp"
#include "benchmark/statistics.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

namespace ftpc::benchmark {

namespace {

[[noreturn]] void fail(const char* what)
{
    throw std::system_error{errno, std::system_category(), what};
}

UniqueFd open_parent(int root, const std::string& name)
{
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    UniqueFd parent{static_cast<int>(::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how))};
    if (!parent) fail("openat2");
    return parent;
}

// One thread, and the directory in which it makes others.
class Maker {
public:
    Maker(const DirectoryLimit& limit, unsigned number)
        : limit_{limit}, root_{::open(limit.at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)},
          parent_name_{"bare" + std::to_string(::getpid()) + "-" +
                       std::to_string(limit.one_parent ? 0 : number)},
          prefix_{"d" + (limit.one_parent ? std::to_string(number) + "." : std::string{})}
    {
        if (!root_) fail(limit.at.c_str());
        const bool there = limit.one_parent && number > 0;
        if (!there && ::mkdirat(root_.get(), parent_name_.c_str(), 0755) != 0) fail("mkdirat");
        parent_ = UniqueFd{::openat(root_.get(), parent_name_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!parent_) fail("openat");
    }

    std::uint64_t run()
    {
        const auto begin = Clock::now();
        std::uint64_t made = 0;
        while (made % 16 != 0 || seconds_since(begin) < limit_.seconds)
            make(prefix_ + std::to_string(made++));
        return made;
    }

    // Makes so many; how long that took.
    double run(std::uint64_t from, std::uint64_t to) const
    {
        const auto begin = Clock::now();
        for (std::uint64_t i = from; i < to; ++i)
            make(prefix_ + std::to_string(i));
        return seconds_since(begin);
    }

private:
    void make(const std::string& name) const
    {
        if (limit_.calls == DirectoryCalls::openat2_mkdirat) {
            const UniqueFd parent = open_parent(root_.get(), parent_name_);
            if (::mkdirat(parent.get(), name.c_str(), 0755) != 0) fail("mkdirat");
            return;
        }
        if (::mkdirat(parent_.get(), name.c_str(), 0755) != 0) fail("mkdirat");
        if (limit_.calls == DirectoryCalls::mkdirat_fsync && ::fsync(parent_.get()) != 0) fail("fsync");
    }

    const DirectoryLimit& limit_;
    UniqueFd root_;
    std::string parent_name_;
    std::string prefix_; // of the names that it makes
    UniqueFd parent_;
};

} // namespace

boost::json::object measure_directories(const DirectoryLimit& limit)
{
    std::vector<std::unique_ptr<Maker>> makers;
    for (unsigned i = 0; i < limit.threads; ++i)
        makers.push_back(std::make_unique<Maker>(limit, i));
    std::atomic<std::uint64_t> made = 0;
    const auto begin = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (const auto& maker : makers)
            threads.emplace_back([&] { made += maker->run(); });
    }
    const double seconds = seconds_since(begin);
    return {{"made", made.load()}, {"seconds", seconds}, {"per_second", static_cast<double>(made) / seconds}};
}

boost::json::object measure_growth(const std::string& at, std::uint64_t count, std::uint64_t part)
{
    const DirectoryLimit limit{DirectoryCalls::mkdirat, at};
    const Maker maker{limit, 0};
    const double first = maker.run(0, part);
    const double middle = maker.run(part, count - part);
    const double last = maker.run(count - part, count);
    const auto us_each = [&](double seconds) { return 1e6 * seconds / static_cast<double>(part); };
    return {{"per_second", static_cast<double>(count) / (first + middle + last)},
            {"first_us", us_each(first)},
            {"last_us", us_each(last)}};
}

} // namespace ftpc::benchmark
