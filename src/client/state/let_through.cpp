#include "client/state/let_through.hpp"

#include <algorithm>

namespace ftpc::client {

namespace {

constexpr int most_remembered = 256;
constexpr std::size_t longest_job_name = 64;

bool may_be_in_job_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

Failure was_before(const ServerAddress& server, const std::string& job, const std::string& occurrence)
{
    const std::string whose = job.empty() ? "a job" : "the job " + job;
    return {ExitStatus::failed, occurrence + " at " + server.text() + " was let through before, to " + whose +
                                    "\nIf this is another job, give each a name: --job NAME"};
}

} // namespace

bool is_job_name(std::string_view name)
{
    return !name.empty() && name.size() <= longest_job_name && name != "-" &&
           std::all_of(name.begin(), name.end(), may_be_in_job_name);
}

Outcome<void> let_through(const StateDirectory& state, const ServerAddress& server, const std::string& job,
                          const std::string& occurrence)
{
    const std::string line = server.text() + " " + (job.empty() ? "-" : job) + " " + occurrence;
    return state.update(jobs_file, [&](std::string_view before) -> Outcome<std::string> {
        std::string after = line + "\n";
        for (int kept = 1; !before.empty(); ++kept) {
            const auto other = before.substr(0, before.find('\n'));
            before.remove_prefix(std::min(before.size(), other.size() + 1));
            // protection: let-through-once
            if (other == line) return was_before(server, job, occurrence);
            if (kept < most_remembered) after.append(other).append("\n");
        }
        return after;
    });
}

} // namespace ftpc::client
