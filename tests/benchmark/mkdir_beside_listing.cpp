#include "benchmark/mkdir_beside_listing.hpp"

#include "benchmark/run_together.hpp"

#include <atomic>

namespace ftpc::benchmark {

namespace {

class SetAtEnd {
public:
    explicit SetAtEnd(std::atomic<bool>& flag) : flag_{flag} {}
    SetAtEnd(const SetAtEnd&) = delete;
    SetAtEnd& operator=(const SetAtEnd&) = delete;
    ~SetAtEnd() { flag_ = true; }

private:
    std::atomic<bool>& flag_;
};

} // namespace

boost::json::object run_mkdir_beside_listing(const Target& target, SSL_CTX* context,
                                             const Credentials& credentials,
                                             const DirectoriesPlan& directories, const ListingPlan& listing)
{
    ListingClient client{target, context, credentials, listing};
    EventLoop loop;
    SessionPool pool{loop, target, context, credentials};
    pool.open(1);
    std::atomic<bool> ended{false};
    std::uint64_t listings = 0;
    DirectoriesResult made;
    run_together({[&] {
                      do {
                          client.list();
                          ++listings;
                      } while (!ended);
                  },
                  [&] {
                      const SetAtEnd end{ended}; // a failure ends the listings as well
                      made = DirectoriesLoad{pool, directories}.run();
                  }});
    auto result = made.to_json();
    result["listings"] = listings;
    return result;
}

} // namespace ftpc::benchmark
