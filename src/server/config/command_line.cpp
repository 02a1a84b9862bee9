#include "server/config/command_line.hpp"

#include "server/clock/clock.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/files/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <iostream>

#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>

namespace ftpc::server {

namespace po = boost::program_options;

namespace {

constexpr std::size_t max_config_bytes = std::size_t{1024} * 1024;

bool concerns_users(std::string_view setting)
{
    constexpr std::array names{"data", "root", "pepper-file", "net-user", "auth-user", "scrypt"};
    return std::find(names.begin(), names.end(), setting) != names.end();
}

// O_NONBLOCK: opening a FIFO that somebody put there must not hang. The settings decide which users and keys
// count, so not everybody may change them.
Result<std::string> read_config(const std::string& path)
{
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return last_system_error();
    if (S_ISREG(status.st_mode) && (status.st_mode & S_IWOTH) != 0) return Errc::unsafe_permissions;
    return read_all(file.get(), max_config_bytes);
}

bool concerns_certificate(std::string_view setting)
{
    return setting == "data" || setting == "certificate" || setting == "key";
}

std::string flags_again(const Arguments& arguments, bool (*is_wanted)(std::string_view setting))
{
    std::string flags;
    if (!arguments.config_file().empty()) flags += " --config " + shell_word(arguments.config_file());
    for (const SettingValue& flag : arguments.setting_flags)
        if (is_wanted(flag.name)) flags += " --" + flag.name + " " + shell_word(flag.value);
    return flags;
}

po::options_description setting_options(SettingFlags flags)
{
    po::options_description options{flags == SettingFlags::all
                                        ? "Settings (also lines `name = value` of the --config file)"
                                        : "Settings"};
    options.add_options()("config", po::value<std::string>()->value_name("FILE"),
                          "read settings from this file first");
    for (const SettingDescription& setting : setting_descriptions()) {
        if (flags == SettingFlags::of_users && !concerns_users(setting.name)) continue;
        options.add_options()(
            std::string{setting.name}.c_str(),
            po::value<std::vector<std::string>>()->value_name(std::string{setting.argument}),
            std::string{setting.help}.c_str());
    }
    return options;
}

po::options_description general_options()
{
    po::options_description options{"General"};
    options.add_options()("help,h", "show this text");
    return options;
}

// A subcommand's own option may have the name of a setting that it does not take.
std::vector<SettingValue> given_settings(const po::variables_map& values, SettingFlags flags)
{
    std::vector<SettingValue> given;
    for (const SettingDescription& setting : setting_descriptions()) {
        if (flags == SettingFlags::of_users && !concerns_users(setting.name)) continue;
        const auto found = values.find(std::string{setting.name});
        if (found == values.end()) continue;
        for (const std::string& value : found->second.as<std::vector<std::string>>())
            given.push_back({std::string{setting.name}, value, "--" + std::string{setting.name}});
    }
    return given;
}

po::variables_map parse(const std::vector<std::string>& words, const po::options_description& visible)
{
    po::options_description all;
    all.add(visible).add_options()("argument", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("argument", -1);
    po::variables_map values;
    try {
        // No guessing: an abbreviation that works today may mean two things tomorrow.
        const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
        po::store(po::command_line_parser{words}.options(all).positional(positional).style(style).run(),
                  values);
    } catch (const po::error& error) {
        throw UsageError{error.what()};
    }
    return values;
}

} // namespace

std::vector<std::string> Arguments::positional() const
{
    return values.count("argument") != 0 ? values["argument"].as<std::vector<std::string>>()
                                         : std::vector<std::string>{};
}

Settings read_settings(const std::vector<SettingValue>& flags, const std::string& config_file,
                       std::vector<Problem>& problems)
{
    Settings settings;
    if (!config_file.empty()) {
        const auto text = read_config(config_file);
        if (text)
            apply_settings(settings, parse_settings_text(*text, config_file, problems), problems);
        else
            problems.push_back({config_file, text.error() == Errc::unsafe_permissions
                                                 ? "anybody can change it; mend it with: chmod o-w " +
                                                       shell_word(config_file)
                                                 : why_not_read(text.error())});
    }
    apply_settings(settings, flags, problems);
    if (!is_time_zone(settings.time_zone))
        problems.push_back({"time-zone", "there is no zone '" + settings.time_zone +
                                             "' in /usr/share/zoneinfo (a zone is for instance "
                                             "Europe/Berlin; the package tzdata has them)"});
    if (settings.data.empty()) settings.data = default_data_directory();
    if (settings.data.empty())
        problems.push_back(
            {"data", "there is no home directory to have it in; set HOME, XDG_STATE_HOME or --data"});
    return settings;
}

Arguments parse_arguments(const std::vector<std::string>& words, const po::options_description& own_options,
                          SettingFlags flags, OnProblem on_problem)
{
    po::options_description options;
    options.add(own_options).add(setting_options(flags)).add(general_options());
    Arguments arguments;
    arguments.values = parse(words, options);
    arguments.help = arguments.values.count("help") != 0;
    arguments.setting_flags = given_settings(arguments.values, flags);
    arguments.settings = read_settings(arguments.setting_flags, arguments.config_file(), arguments.problems);
    if (arguments.help || on_problem == OnProblem::keep || arguments.problems.empty()) return arguments;
    throw UsageError{problems_text(arguments.problems, "\nftpcd: ")};
}

std::string Arguments::config_file() const
{
    return values.count("config") != 0 ? values["config"].as<std::string>() : std::string{};
}

std::string Arguments::flags_for_users() const
{
    return flags_again(*this, concerns_users);
}

std::string Arguments::flags_for_certificate() const
{
    return flags_again(*this, concerns_certificate);
}

std::optional<Arguments> parse_or_help(const std::vector<std::string>& words, SettingFlags flags,
                                       const std::string& usage, const std::string& about,
                                       const po::options_description& own_options, OnProblem on_problem)
{
    Arguments arguments = parse_arguments(words, own_options, flags, on_problem);
    if (arguments.help) {
        std::cout << "Usage: ftpcd " << usage << " [OPTIONS]\n\n" << about << "\n";
        if (!own_options.options().empty()) std::cout << "\n" << own_options;
        std::cout << "\n" << setting_options(flags) << "\n" << general_options();
        return std::nullopt;
    }
    const bool takes_arguments =
        std::any_of(usage.begin(), usage.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!takes_arguments && !arguments.positional().empty()) throw UsageError{usage + " takes no arguments"};
    return arguments;
}

} // namespace ftpc::server
