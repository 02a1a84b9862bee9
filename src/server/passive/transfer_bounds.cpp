#include "server/passive/transfer_bounds.hpp"

namespace ftpc::server {

std::optional<TransferBounds::Place> TransferBounds::take(const std::string& user, std::size_t most,
                                                          std::size_t most_of_user)
{
    const std::scoped_lock lock{mutex_};
    const auto found = of_users_.find(user);
    const std::size_t of_user = found == of_users_.end() ? 0 : found->second;
    // protection: transfer-bounds
    if (transfers_ >= most || of_user >= most_of_user) return std::nullopt;
    ++transfers_;
    ++of_users_[user];
    return Place{*this, user};
}

TransferBounds::Place::~Place()
{
    if (bounds_ == nullptr) return;
    const std::scoped_lock lock{bounds_->mutex_};
    --bounds_->transfers_;
    const auto found = bounds_->of_users_.find(user_);
    if (--found->second == 0) bounds_->of_users_.erase(found);
}

} // namespace ftpc::server
