// How many transfers there may be, in all and of one user. For any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace ftpc::server {

class TransferBounds {
public:
    // One running transfer, as long as it lives.
    class Place {
    public:
        Place(Place&& other) noexcept
            : bounds_{std::exchange(other.bounds_, nullptr)}, user_{std::move(other.user_)}
        {}
        Place& operator=(Place&&) = delete;
        ~Place();

    private:
        friend class TransferBounds;
        Place(TransferBounds& bounds, std::string user) : bounds_{&bounds}, user_{std::move(user)} {}
        TransferBounds* bounds_;
        std::string user_;
    };

    // None: there are `most` already, or `most_of_user` of that user.
    std::optional<Place> take(const std::string& user, std::size_t most, std::size_t most_of_user);

private:
    std::mutex mutex_;
    std::size_t transfers_ = 0;
    std::map<std::string, std::size_t> of_users_; // none is 0
};

} // namespace ftpc::server
