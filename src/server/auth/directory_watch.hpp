// Tells when a file in a directory has been replaced, written and closed, given other permissions or taken
// away (inotify(7)).
#pragma once

#include "shared/base/result.hpp"

#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace ftpc::server {

class DirectoryWatch {
public:
    // `replaced`: a whole file was renamed onto it. Else it may have been written in place, and more may
    // follow.
    using OnChange = std::function<void(bool replaced)>;

    // Watches the file `name` in the open directory; `on_change` is called on the loop, once for events that
    // came together. Fails with the system's error if the kernel or a missing /proc do not allow it.
    static Result<DirectoryWatch> start(boost::asio::io_context& loop, int directory, std::string name,
                                        OnChange on_change);

    DirectoryWatch(DirectoryWatch&&) noexcept = default;
    DirectoryWatch& operator=(DirectoryWatch&&) = delete;
    ~DirectoryWatch();

private:
    class Impl;
    explicit DirectoryWatch(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

} // namespace ftpc::server
