#include "server/auth/state/login_keeper.hpp"

#include "server/auth/state/broken_file.hpp"
#include "server/auth/state/history_writer.hpp"
#include "server/auth/state/login_history_text.hpp"
#include "server/auth/state/session_keys.hpp"
#include "server/log/log.hpp"
#include "shared/base/error.hpp"
#include "shared/files/file.hpp"

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds write_interval{1};

void read(int data, LoginHistory& history, LoginLimiter& limiter)
{
    remove_left_temporaries(data, login_history_file_name);
    auto saved = read_login_history(data);
    if (saved) {
        history.restore(std::move(saved->users));
        // protection: kept-penalties
        limiter.restore(saved->limiter, system_now());
        return;
    }
    constexpr std::string_view effect = "it begins anew; logins go on";
    const std::string reason = saved.error() == Errc::bad_argument ? "damaged" : why_not_read(saved.error());
    const auto aside =
        is_broken(saved.error())
            ? set_aside(data, login_history_file_name, system_clock_seconds(), login_history_text({}, {}))
            : saved.error();
    if (aside)
        log_event("login-history-set-aside", {{"as", *aside}, {"reason", reason}, {"effect", effect}});
    else
        log_event("login-history-unreadable", {{"reason", reason}, {"effect", effect}});
}

// On the writer's thread. Says a failure once, until it is over.
class FileWriter {
public:
    explicit FileWriter(int data) : data_{data} {}

    void operator()(const std::string& text)
    {
        const auto written = replace_file(data_, login_history_file_name, text, S_IRUSR | S_IWUSR);
        if (!written && !failing_)
            log_event("login-history-not-written", {{"reason", written.error().message()}});
        failing_ = !written;
    }

private:
    int data_;
    bool failing_ = false;
};

} // namespace

class LoginKeeper::Impl {
public:
    Impl(asio::io_context& loop, int data, LoginHistory& history, LoginLimiter& limiter)
        : history_{history}, limiter_{limiter}, timer_{loop}, writer_{FileWriter{data}}
    {
        read(data, history, limiter);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl()
    {
        if (is_changed_ || is_printing_)
            writer_.write_later(login_history_text(history_.users(), limiter_.save(system_now())));
    }

    void changed()
    {
        if (std::exchange(is_changed_, true)) return;
        if (!is_printing_) wait(write_interval, [this] { begin(); });
    }

private:
    template <class Then>
    void wait(std::chrono::seconds time, Then then)
    {
        timer_.expires_after(time);
        timer_.async_wait([then](const boost::system::error_code& failure) {
            if (!failure) then();
        });
    }

    // In parts, between which the loop does other things: all users together take it some time.
    void begin()
    {
        is_changed_ = false;
        is_printing_ = true;
        text_ = login_history_header();
        printed_.clear();
        left_ = LoginHistory::max_users;
        print_some();
    }

    void print_some()
    {
        auto user = history_.users().upper_bound(printed_);
        const std::size_t now = std::min(users_at_once, left_);
        left_ -= now;
        for (std::size_t i = 0; i < now && user != history_.users().end(); ++i, ++user) {
            append_user_logins(text_, user->first, user->second);
            printed_ = user->first;
        }
        if (left_ > 0 && user != history_.users().end())
            return wait(std::chrono::seconds{0}, [this] { print_some(); });
        wait(std::chrono::seconds{0}, [this] { finish(); });
    }

    void finish()
    {
        append_limiter(text_, limiter_.save(system_now()));
        writer_.write_later(std::exchange(text_, {}));
        is_printing_ = false;
        if (std::exchange(is_changed_, false)) changed();
    }

    static constexpr std::size_t users_at_once = 64;

    LoginHistory& history_;
    LoginLimiter& limiter_;
    asio::steady_timer timer_;
    bool is_changed_ = false; // since the last text was begun
    bool is_printing_ = false;
    std::string text_;    // so far
    std::string printed_; // the last user in it
    // How many more may be in it: users may be exchanged meanwhile, and a reader takes no more.
    std::size_t left_ = 0;
    HistoryWriter writer_;
};

LoginKeeper::LoginKeeper(asio::io_context& loop, int data, LoginHistory& history, LoginLimiter& limiter)
    : impl_{std::make_unique<Impl>(loop, data, history, limiter)}
{}

LoginKeeper::~LoginKeeper() = default;

void LoginKeeper::changed()
{
    impl_->changed();
}

} // namespace ftpc::server
