#include "client/clock/time_text.hpp"
#include "client/commands/output.hpp"
#include "client/commands/session_login.hpp"
#include "client/commands/subcommands.hpp"
#include "client/commands/time_question.hpp"
#include "client/state/let_through.hpp"
#include "client/state/saved_logins.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace ftpc::client {

namespace {

using Setter = std::unique_ptr<ClockSetter> (*)();

double in_seconds(std::chrono::nanoseconds length)
{
    return std::chrono::duration<double>{length}.count();
}

// "+3600.000012 +/- 0.000064 s; files:2121 is synchronised +/- 0.000512 s"
std::string offset_line(const std::string& server, const ClockReading& reading, const ClockOffset& offset)
{
    std::string line = offset_text(offset.offset) + " +/- " + bound_text(offset.bound) + " s; " + server +
                       " is " + word_for(reading.state);
    if (reading.state == ClockState::synchronised) line += " +/- " + bound_text(reading.max_error) + " s";
    return line;
}

std::string direction(std::chrono::nanoseconds offset)
{
    return offset < std::chrono::nanoseconds::zero() ? " ahead of " : " behind ";
}

// How `ftpc time` runs: one server, and the way in which results are shown.
class TimeRun {
public:
    TimeRun(const TimeOptions& options, const Output& output, const StateDirectory& state,
            ServerAddress server)
        : options_{options}, output_{output}, state_{state}, server_{std::move(server)}
    {}

    Outcome<ExitStatus> run(Setter setter) const
    {
        if (options_.mode == TimeOptions::Mode::wait) return wait();
        const auto reading = ask();
        if (!reading) return reading.error();
        const ClockOffset offset = offset_between(*reading, read_own_clock());
        switch (options_.mode) {
        case TimeOptions::Mode::check:
            return check(*reading, offset);
        case TimeOptions::Mode::set:
            return set(*setter(), *reading);
        case TimeOptions::Mode::offset:
            output_.result(offset_line(name(), *reading, offset), object_of(*reading, offset));
            return ExitStatus::done;
        default:
            return show(*reading, offset);
        }
    }

private:
    std::string name() const { return server_.text(); }

    // Each question may take all of --timeout, but no longer than `at_most`.
    Outcome<ClockReading> ask(std::chrono::seconds at_most = std::chrono::seconds::max()) const
    {
        ConnectSettings settings = connect_settings(options_.common);
        settings.allowance = std::min(options_.common.timeout, at_most);
        settings.dates = CertificateDates::ignored;
        return ask_server_time(server_, settings, state_);
    }

    boost::json::object object_of(const ClockReading& reading, const ClockOffset& offset) const
    {
        return {{"server", name()},
                {"time", utc_text_of(reading.at(BootClock::now()))},
                {"zone_offset", reading.zone_offset.count()},
                {"offset", in_seconds(offset.offset)},
                {"bound", in_seconds(offset.bound)},
                {"state", word_for(reading.state)},
                {"max_error", in_seconds(reading.max_error)}};
    }

    Outcome<ExitStatus> show(const ClockReading& reading, const ClockOffset& offset) const
    {
        const auto text =
            format_time(options_.format, reading.at(BootClock::now()), reading.zone_offset, options_.utc);
        if (!text) return Failure{ExitStatus::usage, "the time in this format is too long"};
        auto object = object_of(reading, offset);
        object["text"] = *text;
        output_.result(*text, object);
        return ExitStatus::done;
    }

    Outcome<ExitStatus> check(const ClockReading& reading, const ClockOffset& offset) const
    {
        const ClockVerdict verdict = judge(reading, offset, options_.tolerance);
        if (options_.common.json) {
            auto object = object_of(reading, offset);
            object["within"] = verdict == ClockVerdict::within;
            output_.result({}, object);
        }
        if (verdict == ClockVerdict::within) return ExitStatus::done;
        return Failure{ExitStatus::failed, refusal(verdict, reading, offset)};
    }

    std::string refusal(ClockVerdict verdict, const ClockReading& reading, const ClockOffset& offset) const
    {
        if (verdict == ClockVerdict::server_unsynchronised)
            return name() + " says that its own clock is not synchronised, so nothing can be checked by it" +
                   "\nIf it is the standard, its administrator says so: time-source = local";
        const auto far = offset.offset < std::chrono::nanoseconds::zero() ? -offset.offset : offset.offset;
        std::string off =
            "the clock of this machine is " + bound_text(far) + " s" + direction(offset.offset) + name();
        if (verdict == ClockVerdict::outside) return off;
        return off + ", and cannot be checked so exactly: the way there leaves " + bound_text(offset.bound) +
               " s open, and the server's own clock " + bound_text(reading.max_error) + " s";
    }

    // The clock is read again, because it may have been set since.
    Outcome<ExitStatus> set(ClockSetter& clock, const ClockReading& reading) const
    {
        const ClockOffset offset = offset_between(reading, read_own_clock());
        const auto change = set_clock(clock, offset, options_.large);
        if (!change) return change.error();
        if (reading.state == ClockState::unsynchronised)
            warn(name() + " says that its own clock is not synchronised, so this one may be as wrong");
        const char* const words = *change == ClockChange::none     ? "not set: it is right"
                                  : *change == ClockChange::slewed ? "slewed"
                                                                   : "stepped";
        auto object = object_of(reading, offset);
        object["change"] = *change == ClockChange::none ? "none" : words;
        output_.result(std::string{words} + ": " + offset_line(name(), reading, offset), object);
        return ExitStatus::done;
    }

    Outcome<ExitStatus> wait() const
    {
        // Nothing is waited for that could not be remembered.
        if (auto ready = state_.prepare(jobs_file); !ready) return ready.error();
        OccurrenceWait wait{name(), options_.wait,
                            WaitSurroundings{[this](std::chrono::seconds at_most) { return ask(at_most); },
                                             read_own_clock, BootClock::now, sleep_until,
                                             [](const std::string& words) { warn(words); }}};
        const auto reached = wait.run();
        if (!reached) return reached.error();
        const std::string occurrence = occurrence_text(reached->occurrence);
        if (auto once = let_through(state_, server_, options_.job, occurrence); !once) return once.error();
        if (options_.common.json)
            output_.result(
                {}, {{"server", name()}, {"occurrence", occurrence}, {"late", in_seconds(reached->late_by)}});
        return ExitStatus::done;
    }

    static void warn(const std::string& words) { std::cerr << "ftpc: " << words << '\n' << std::flush; }

    const TimeOptions& options_;
    const Output& output_;
    const StateDirectory& state_;
    ServerAddress server_;
};

// That of --server, else that of the last login, else FTPC_SERVER, else localhost.
Outcome<ServerAddress> server_of(const TimeOptions& options, const StateDirectory& state)
{
    if (options.common.server) return *options.common.server;
    const auto logins = load_saved_logins(state);
    if (!logins) return logins.error();
    const SavedLogin* const last = logins->most_recent();
    const char* const environment = std::getenv("FTPC_SERVER");
    return choose_server({}, last != nullptr ? std::optional{last->server} : std::nullopt,
                         environment != nullptr ? environment : "");
}

Outcome<ExitStatus> tell_time(const TimeOptions& options, const Output& output, Setter setter)
{
    const auto state = StateDirectory::of_this_user();
    if (!state) return state.error();
    const auto server = server_of(options, *state);
    if (!server) return server.error();
    return TimeRun{options, output, *state, *server}.run(setter);
}

} // namespace

ExitStatus time(const TimeOptions& options, std::unique_ptr<ClockSetter> (*setter)())
{
    const Output output{options.common.json};
    return output.status_of(tell_time(options, output, setter));
}

} // namespace ftpc::client
