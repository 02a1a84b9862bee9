// The replies to a batch of pipelined commands, sent together and in order. Those that promise a directory on
// disk go only with the result of the sync.
#pragma once

#include "server/storage/parents.hpp"
#include "shared/base/result.hpp"
#include "shared/protocol/reply.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

class ReplyBatch {
public:
    void add(const Reply& reply);

    // `reply` holds only once the entries of `parents` are on disk. `most`: as in Parents::add.
    void add_when_synced(const Reply& reply, const Parents& parents,
                         std::size_t most = Parents::most_of_session);

    bool empty() const { return text_.empty(); }
    std::size_t count() const { return replies_; }

    // Time to send: the batch has grown large, or holds as many descriptors as it may. Or there are so many
    // replies, and no sync to wait for, that the client may read them while the rest is carried out.
    bool full() const
    {
        return text_.size() >= 65536 || full_of_parents_ || (conditional_.empty() && replies_ >= 48);
    }

    bool depends_on_sync() const { return !conditional_.empty(); }

    // The directories to sync before take(); empty: none.
    Parents take_parents();

    // The bytes to send. After a failed sync each reply that depended on it is a 451 with the system's words
    // instead.
    std::string take(error_code sync_result);

    // That 451.
    static Reply not_synced(error_code sync_result);

private:
    struct Conditional {
        std::size_t begin;
        std::size_t end;
    };
    std::string text_;
    std::size_t replies_ = 0; // in the text
    std::vector<Conditional> conditional_;
    Parents parents_;
    bool full_of_parents_ = false;
};

} // namespace ftpc::server
