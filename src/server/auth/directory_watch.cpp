#include "server/auth/directory_watch.hpp"

#include "shared/base/unique_fd.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

// IN_ATTRIB: permissions that kept the file from being read may have been mended.
constexpr std::uint32_t watched_events = IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM;

// The kinds of events in `bytes` that concern `name`; all kinds if some events were lost.
std::uint32_t events_of(std::string_view name, std::string_view bytes)
{
    std::uint32_t found = 0;
    while (bytes.size() >= sizeof(inotify_event)) {
        inotify_event event{};
        std::memcpy(&event, bytes.data(), sizeof event);
        // The name is padded with NULs.
        const std::string_view padded = bytes.substr(sizeof event, event.len);
        if ((event.mask & IN_Q_OVERFLOW) != 0) found |= watched_events;
        if (padded.substr(0, padded.find('\0')) == name) found |= event.mask;
        bytes.remove_prefix(sizeof event + event.len);
    }
    return found;
}

} // namespace

class DirectoryWatch::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& loop, UniqueFd inotify, std::string name, OnChange on_change)
        : inotify_{loop, inotify.release()}, name_{std::move(name)}, on_change_{std::move(on_change)}
    {}

    void wait()
    {
        inotify_.async_wait(asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this()](const error_code& error) {
                                if (!error) self->read();
                            });
    }

    void close()
    {
        error_code ignored;
        inotify_.close(ignored);
    }

private:
    void read()
    {
        std::uint32_t found = 0;
        std::array<char, 4096> events{};
        while (true) {
            const ssize_t got = ::read(inotify_.native_handle(), events.data(), events.size());
            if (got <= 0) break;
            found |= events_of(name_, {events.data(), static_cast<std::size_t>(got)});
        }
        wait();
        if (found != 0) on_change_((found & IN_MOVED_TO) != 0);
    }

    asio::posix::stream_descriptor inotify_;
    std::string name_;
    OnChange on_change_;
};

Result<DirectoryWatch> DirectoryWatch::start(asio::io_context& loop, int directory, std::string name,
                                             OnChange on_change)
{
    UniqueFd inotify{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    if (!inotify) return last_system_error();
    const std::string path = "/proc/self/fd/" + std::to_string(directory);
    if (::inotify_add_watch(inotify.get(), path.c_str(), watched_events) < 0) return last_system_error();
    auto impl = std::make_shared<Impl>(loop, std::move(inotify), std::move(name), std::move(on_change));
    impl->wait();
    return DirectoryWatch{std::move(impl)};
}

DirectoryWatch::DirectoryWatch(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}

DirectoryWatch::~DirectoryWatch()
{
    if (impl_) impl_->close();
}

} // namespace ftpc::server
