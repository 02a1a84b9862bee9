#include "server/ftp/channel/reply_batch.hpp"

#include <utility>

namespace ftpc::server {

void ReplyBatch::add(const Reply& reply)
{
    append_wire(text_, reply);
    ++replies_;
}

void ReplyBatch::add_when_synced(const Reply& reply, const Parents& parents, std::size_t most)
{
    const std::size_t begin = text_.size();
    add(reply);
    conditional_.push_back({begin, text_.size()});
    parents_.add(parents, most);
    full_of_parents_ = parents_.is_full(most);
}

Parents ReplyBatch::take_parents()
{
    full_of_parents_ = false;
    return std::exchange(parents_, {});
}

Reply ReplyBatch::not_synced(error_code sync_result)
{
    return {451, "The directory may not be on disk: " + sync_result.message()};
}

std::string ReplyBatch::take(error_code sync_result)
{
    std::string text = std::exchange(text_, {});
    replies_ = 0;
    const auto conditional = std::exchange(conditional_, {});
    if (!sync_result) return text;
    const Reply failed = not_synced(sync_result);
    std::string out;
    std::size_t copied = 0;
    for (const Conditional& reply : conditional) {
        out.append(text, copied, reply.begin - copied);
        append_wire(out, failed);
        copied = reply.end;
    }
    return out.append(text, copied);
}

} // namespace ftpc::server
