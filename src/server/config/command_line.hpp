// For all subcommands of ftpcd: settings from flags and --config, and the table of subcommands.
#pragma once

#include "server/config/settings.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>

namespace ftpc::server {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

// A command line that is wrong; main prints its text and a hint at --help, and exits with exit_usage.
class UsageError : public std::runtime_error {
public:
    // `subcommand`: the command whose --help is named, as in "user add"; empty: the first word.
    explicit UsageError(const std::string& what, std::string subcommand = {})
        : std::runtime_error{what}, subcommand_{std::move(subcommand)}
    {}
    const std::string& subcommand() const { return subcommand_; }

private:
    std::string subcommand_;
};

struct Arguments {
    boost::program_options::variables_map
        values; // the subcommand's own options and its positional "argument"s
    Settings settings;
    std::vector<Problem> problems;           // with the settings; empty unless asked to keep them
    std::vector<SettingValue> setting_flags; // as given on the command line, for reading the file again later
    bool help = false;

    std::vector<std::string> positional() const;
    std::string config_file() const; // of --config; empty: none

    // The flags that a shown command needs to find the same users or the same certificate, as words of a
    // shell: " --config FILE --data DIR". Empty if there is no such flag.
    std::string flags_for_users() const;
    std::string flags_for_certificate() const;
};

// Which settings a subcommand takes as flags: all, or those that adding and changing users depends on.
enum class SettingFlags { all, of_users };
// Whether a wrong setting ends the program at once (as UsageError) or is kept for `check` to print.
enum class OnProblem { fail, keep };

// Parses the words behind the subcommand's name. Throws UsageError.
Arguments parse_arguments(const std::vector<std::string>& words,
                          const boost::program_options::options_description& own_options, SettingFlags flags,
                          OnProblem on_problem = OnProblem::fail);

// The same for a subcommand with this `usage`, such as "user del NAME": one without a word in capitals takes
// no arguments. None if --help is among the words, and has been printed: usage, the paragraph `about`, the
// own options and the settings that `flags` allows.
std::optional<Arguments> parse_or_help(const std::vector<std::string>& words, SettingFlags flags,
                                       const std::string& usage, const std::string& about,
                                       const boost::program_options::options_description& own_options = {},
                                       OnProblem on_problem = OnProblem::fail);

// Settings anew from defaults, the --config file and the same flags.
Settings read_settings(const std::vector<SettingValue>& flags, const std::string& config_file,
                       std::vector<Problem>& problems);

// ---- the subcommands, each in a file of its own: arguments without the subcommand's name, exit status
int run_serve(const std::vector<std::string>& words);
int run_user(const std::vector<std::string>& words); // add, passwd, del, lock, unlock, list, show
int run_why(const std::vector<std::string>& words);
int run_fingerprint(const std::vector<std::string>& words);
int run_check(const std::vector<std::string>& words);

} // namespace ftpc::server
