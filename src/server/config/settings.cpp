#include "server/config/settings.hpp"

#include "shared/base/duration.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

namespace {

std::string_view trim(std::string_view text)
{
    constexpr std::string_view white = " \t";
    const auto first = text.find_first_not_of(white);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white) - first + 1);
}

using Complaint = std::optional<std::string>; // none: the value was taken

// ---- taking a value from its text, and the text of a value

Complaint take(unsigned& out, std::string_view text, unsigned least, unsigned most, int base = 10)
{
    const auto value = parse_number<unsigned>(text, least, most, base);
    if (!value) return "must be a number from " + std::to_string(least) + " to " + std::to_string(most);
    out = *value;
    return {};
}

Complaint take(std::uint64_t& out, std::string_view text)
{
    const auto value = parse_number<std::uint64_t>(text);
    if (!value) return "must be a number; 0 sets no limit";
    out = *value;
    return {};
}

Complaint take(std::chrono::seconds& out, std::string_view text)
{
    const auto length = parse_duration(text);
    if (!length) return "must be a length of time such as 90s, 15m, 12h or 7d";
    out = *length;
    return {};
}

Complaint take(std::string& out, std::string_view text)
{
    if (text.empty()) return "must not be empty";
    if (has_control_character(text)) return "must be UTF-8 without control characters";
    if (text != trim(text)) return "must not begin or end with white space";
    out = text;
    return {};
}

Complaint take(ScryptCost& out, std::string_view text)
{
    ScryptCost cost{};
    int used = 0;
    const std::string copy{text};
    // NOLINTNEXTLINE(cert-err34-c): widths bound the numbers
    const int fields = std::sscanf(copy.c_str(), "ln=%2u,r=%2u,p=%2u%n", &cost.ln, &cost.r, &cost.p, &used);
    const bool whole = fields == 3 && static_cast<std::size_t>(used) == text.size();
    if (!whole || !is_allowed(cost))
        return "must be like ln=15,r=8,p=3 with ln 10-20, r 1-32, p 1-16 and at most 1 GiB (128*r*2^ln); r 1 "
               "needs ln below 16";
    out = cost;
    return {};
}

Complaint take(PortRange& out, std::string_view text)
{
    const auto dash = text.find('-');
    const auto first = parse_number<std::uint16_t>(text.substr(0, dash), 1);
    const auto last =
        dash == std::string_view::npos ? first : parse_number<std::uint16_t>(text.substr(dash + 1), 1);
    if (!first || !last || *last < *first || *last - *first >= most_passive_ports)
        return "must be a port or a range of at most " + std::to_string(most_passive_ports) +
               " ports, such as 2122-2137";
    out = {*first, *last};
    return {};
}

Complaint take_ipv4_address(std::string& out, std::string_view text)
{
    in_addr parsed{};
    if (::inet_pton(AF_INET, std::string{text}.c_str(), &parsed) != 1)
        return "must be an IPv4 address, such as 192.0.2.7";
    out = text;
    return {};
}

constexpr std::string_view ntp_port = ":123";

// The port may be left out. An empty value names no address.
Complaint take_ntp_address(std::vector<std::string>& out, std::string_view text)
{
    if (text.empty()) return {};
    std::string address;
    if (Complaint complaint = take(address, text)) return complaint;
    const bool has_port = address.back() != ']' && address.find(':') != std::string::npos;
    out.push_back(has_port ? address : address.append(ntp_port));
    return {};
}

// An empty value names no address.
Complaint take_address(std::vector<std::string>& out, std::string_view text)
{
    return text.empty() ? Complaint{} : take(out.emplace_back(), text);
}

Complaint take_directory_mode(mode_t& out, std::string_view text)
{
    unsigned mode = 0;
    // mkdir(2) leaves out set-user-id and set-group-id; the latter is inherited from the directory above.
    if (take(mode, text, 0700, 01777, 8) || (mode & 0700) != 0700)
        return "must be an octal mode up to 1777 that gives its owner everything, such as 0755 or 0750";
    out = mode;
    return {};
}

std::string show(std::uint64_t number)
{
    return std::to_string(number);
}

std::string show(std::chrono::seconds length)
{
    return duration_text(length);
}

std::string show(const std::string& text)
{
    return text;
}

std::string show(const ScryptCost& cost)
{
    return "ln=" + std::to_string(cost.ln) + ",r=" + std::to_string(cost.r) + ",p=" + std::to_string(cost.p);
}

std::string show(const PortRange& ports)
{
    const std::string first = std::to_string(ports.first);
    return ports.first == ports.last ? first : first + "-" + std::to_string(ports.last);
}

std::string octal(mode_t mode)
{
    std::array<char, 16> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%04o", mode));
    return text.data();
}

// The words of "auto|always|never".
std::vector<std::string_view> choices_of(std::string_view argument)
{
    std::vector<std::string_view> words;
    while (true) {
        const auto bar = argument.find('|');
        words.push_back(argument.substr(0, bar));
        if (bar == std::string_view::npos) return words;
        argument.remove_prefix(bar + 1);
    }
}

std::string must_be_one_of(const std::vector<std::string_view>& words)
{
    std::string text = "must be ";
    for (std::size_t i = 0; i < words.size(); ++i)
        text.append(i == 0 ? "" : i + 1 == words.size() ? " or " : ", ").append(words[i]);
    return text;
}

// Settings of earlier versions: they do nothing any more, and stop no server that still has them.
bool is_obsolete(std::string_view setting)
{
    return setting == "pin-reactors";
}

// As the environment has it, or else the user database; empty without any.
std::string home_of_user()
{
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home == '/') return home;
    const passwd* const entry = ::getpwuid(::geteuid());
    return entry != nullptr && entry->pw_dir != nullptr && *entry->pw_dir == '/' ? entry->pw_dir : "";
}

// A setting that may be given several times.
struct AddressList {
    std::string_view name;
    std::vector<std::string> Settings::*addresses;
};
constexpr std::array address_lists{
    AddressList{"listen", &Settings::listen},
    AddressList{"listen-ntp", &Settings::listen_ntp},
    AddressList{"listen-time-text", &Settings::listen_time_text},
};

bool may_be_repeated(std::string_view setting)
{
    return std::any_of(address_lists.begin(), address_lists.end(),
                       [&](const AddressList& list) { return list.name == setting; });
}

struct Row {
    SettingDescription description;
    Complaint (*take)(Settings&, std::string_view value, std::string_view argument);
    std::string (*show)(const Settings&, std::string_view argument);
};

template <auto member>
Row setting(const SettingDescription& description)
{
    return {description,
            [](Settings& s, std::string_view value, std::string_view) { return take(s.*member, value); },
            [](const Settings& s, std::string_view) { return show(s.*member); }};
}

template <auto member, unsigned least, unsigned most>
Row number(const SettingDescription& description)
{
    return {description,
            [](Settings& s, std::string_view value, std::string_view) {
                return take(s.*member, value, least, most);
            },
            [](const Settings& s, std::string_view) { return show(s.*member); }};
}

// The argument has a word for each of the values.
template <auto member, auto... values>
Row choice(const SettingDescription& description)
{
    static constexpr std::array all{values...};
    return {description,
            [](Settings& s, std::string_view value, std::string_view argument) -> Complaint {
                const auto words = choices_of(argument);
                const auto found = std::find(words.begin(), words.end(), value);
                if (found == words.end()) return must_be_one_of(words);
                s.*member = all.at(static_cast<std::size_t>(found - words.begin()));
                return {};
            },
            [](const Settings& s, std::string_view argument) {
                const auto place = std::find(all.begin(), all.end(), s.*member) - all.begin();
                return std::string{choices_of(argument).at(static_cast<std::size_t>(place))};
            }};
}

const std::array rows{
    setting<&Settings::data>({"data", "DIR",
                              "users, session keys and certificate live here (/var/lib/ftpcd as root, else "
                              "~/.local/state/ftpcd)"}),
    setting<&Settings::root>({"root", "DIR", "the tree in which users make directories (DATA/root)"}),
    Row{{"listen", "ADDRESS:PORT",
         "where to listen; may be given several times; port 0 takes a free one ([::]:2121)"},
        [](Settings& s, std::string_view v, std::string_view) { return take(s.listen.emplace_back(), v); },
        nullptr},
    setting<&Settings::passive_ports>(
        {"passive-ports", "PORTS",
         "ports for data connections, one or more; with port 0 in listen free ones are taken (2122-2137)"}),
    Row{{"passive-address", "ADDRESS",
         "IPv4 address that PASV tells, behind NAT the one outside (the address that the client is connected "
         "to)"},
        [](Settings& s, std::string_view v, std::string_view) {
            return take_ipv4_address(s.passive_address, v);
        },
        [](const Settings& s, std::string_view) { return s.passive_address; }},
    choice<&Settings::data_resumption, DataResumption::prefer, DataResumption::require>(
        {"data-resumption", "prefer|require",
         "whether a data connection must resume the TLS session of its control connection, after a login by "
         "PASS (prefer)"}),
    choice<&Settings::durability, Durability::group, Durability::none>(
        {"durability", "group|none",
         "when a directory is acknowledged: once it is on disk, or at once (group)"}),
    number<&Settings::sync_parents, 0, 4096>(
        {"sync-parents", "N",
         "sync up to N parent directories one by one, more with one sync of the file system (8)"}),
    Row{{"directory-mode", "MODE", "permissions of new directories, in octal (0755)"},
        [](Settings& s, std::string_view v, std::string_view) {
            return take_directory_mode(s.directory_mode, v);
        },
        [](const Settings& s, std::string_view) { return octal(s.directory_mode); }},
    setting<&Settings::max_dirs>(
        {"max-dirs", "N",
         "directories that the home of a user without a limit of its own may hold; 0 for any number (0)"}),
    choice<&Settings::hand_over, HandOver::automatic, HandOver::always, HandOver::never>(
        {"hand-over", "auto|always|never",
         "hand calls on directories to threads, so that a file system that hangs holds nobody else up: where "
         "it is not local, always, or never (auto)"}),
    number<&Settings::reactors, 0, 256>(
        {"reactors", "N", "threads that serve connections; 0 for one a processor (0)"}),
    number<&Settings::busy_poll, 0, 1000>(
        {"busy-poll", "MICROSECONDS",
         "how long such a thread looks for something to do before it sleeps; 0 for never (50)"}),
    number<&Settings::tree_workers, 2, 1024>(
        {"tree-workers", "N", "up to N threads for calls that may wait; they start when needed (16)"}),
    setting<&Settings::certificate>(
        {"certificate", "FILE", "PEM certificate chain (a self-signed one in DATA/tls, made on first use)"}),
    setting<&Settings::key>({"key", "FILE", "PEM private key of the certificate (DATA/tls/key.pem)"}),
    setting<&Settings::pepper_file>(
        {"pepper-file", "FILE", "a secret of 32 bytes or more that is mixed into password hashes (none)"}),
    setting<&Settings::net_user>(
        {"net-user", "NAME",
         "when started as root: system user that talks to clients and owns the tree (ftpcd)"}),
    setting<&Settings::auth_user>(
        {"auth-user", "NAME", "when started as root: system user that owns the secrets (ftpcd-auth)"}),
    setting<&Settings::time_user>(
        {"time-user", "NAME",
         "when started as root: system user that answers questions for the time (ftpcd-time)"}),
    setting<&Settings::login_timeout>(
        {"login-timeout", "TIME", "a connection must be logged in after this time (2m)"}),
    setting<&Settings::idle_timeout>(
        {"idle-timeout", "TIME", "a session without a command ends after this time (15m)"}),
    setting<&Settings::tls_timeout>(
        {"tls-timeout", "TIME", "a TLS handshake must be done after this time (20s)"}),
    setting<&Settings::write_timeout>(
        {"write-timeout", "TIME",
         "a client that takes nothing of its replies for this time is cut off (1m)"}),
    setting<&Settings::session_ttl>(
        {"session-ttl", "TIME", "life time of session keys, at most and by default (7d)"}),
    number<&Settings::max_connections, 1, 1000000>(
        {"max-connections", "N", "connections at the same time; one too many gets 421 (10000)"}),
    number<&Settings::max_connections_per_address, 1, 1000000>(
        {"max-connections-per-address", "N", "of one IPv4 address or one /64 of IPv6 (2000)"}),
    number<&Settings::max_unauthenticated, 1, 1000000>(
        {"max-unauthenticated", "N",
         "connections that are not logged in; one too many, and one of them drawn by lot gets 421 (1000)"}),
    number<&Settings::max_sessions_per_user, 1, 1000000>(
        {"max-sessions-per-user", "N", "sessions of one user at the same time (2000)"}),
    number<&Settings::max_transfers, 1, 100000>(
        {"max-transfers", "N", "transfers at the same time; one too many gets 450 (256)"}),
    number<&Settings::max_transfers_per_user, 1, 100000>({"max-transfers-per-user", "N", "of one user (64)"}),
    setting<&Settings::transfer_timeout>(
        {"transfer-timeout", "TIME", "a data connection without a byte ends after this time (1m)"}),
    number<&Settings::max_commands_per_second, 0, 1000000>(
        {"max-commands-per-second", "N", "of one session; a faster one waits; 0: no bound (0)"}),
    choice<&Settings::log_directories, true, false>(
        {"log-directories", "on|off", "log a line for each path that is made (on)"}),
    number<&Settings::hash_workers, 0, 256>(
        {"hash-workers", "N",
         "threads that check passwords, 0 for one a core; each keeps the memory of a hash (0)"}),
    number<&Settings::hash_queue, 1, 65536>(
        {"hash-queue", "N", "logins that may wait for a password check; further ones get 421 (256)"}),
    number<&Settings::login_limit_address, 0, 1000000>(
        {"login-limit-address", "N",
         "refused logins of one address that are free; each further one makes it wait, from 1m to 1h; 0 for "
         "no limit (10)"}),
    number<&Settings::login_limit_account, 0, 1000000>(
        {"login-limit-account", "N",
         "refused logins at one account that are free; then logins from new addresses wait up to 5s; 0 for "
         "no limit (10)"}),
    setting<&Settings::login_limit_forget>(
        {"login-limit-forget", "TIME", "one refused login is forgotten in this time (10m)"}),
    Row{{"listen-ntp", "ADDRESS[:PORT]",
         "where to answer NTP, over UDP; may be given several times; without a port 123 (nowhere)"},
        [](Settings& s, std::string_view v, std::string_view) { return take_ntp_address(s.listen_ntp, v); },
        nullptr},
    Row{{"listen-time-text", "ADDRESS:PORT",
         "where to answer formats of strftime with the time, over UDP; may be given several times (nowhere)"},
        [](Settings& s, std::string_view v, std::string_view) { return take_address(s.listen_time_text, v); },
        nullptr},
    choice<&Settings::time_source, TimeSource::kernel, TimeSource::local>(
        {"time-source", "kernel|local",
         "how right the clock is that clients ask: as the kernel says, or local, right because all others "
         "follow it (kernel)"}),
    number<&Settings::time_stratum, 1, 15>(
        {"time-stratum", "N",
         "the stratum that NTP's clients are told while the kernel is synchronised (8)"}),
    setting<&Settings::time_zone>(
        {"time-zone", "NAME",
         "zone of the local time that clients are told, such as Europe/Berlin (that of the machine)"}),
    choice<&Settings::log_format, LogFormat::logfmt, LogFormat::json>(
        {"log-format", "logfmt|json", "how the log is written (logfmt)"}),
    setting<&Settings::scrypt>({"scrypt", "ln=N,r=N,p=N",
                                "cost of password hashes; older ones are renewed at login (ln=15,r=8,p=3)"}),
    choice<&Settings::lockdown, LockdownMode::require, LockdownMode::prefer, LockdownMode::off>(
        {"lockdown", "require|prefer|off",
         "Landlock and seccomp for the inner processes; require: no start on a kernel without them "
         "(prefer)"}),
    choice<&Settings::lockdown_debug, true, false>(
        {"lockdown-debug", "on|off",
         "name a system call that the lockdown forbids in the log before the process ends (off)"}),
};

} // namespace

std::string default_data_directory()
{
    if (::geteuid() == 0) return system_data_directory;
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && *state == '/') return std::string{state} + "/ftpcd";
    const std::string home = home_of_user();
    return home.empty() ? home : home + "/.local/state/ftpcd";
}

std::string problems_text(const std::vector<Problem>& problems, std::string_view separator)
{
    std::string text;
    for (const Problem& problem : problems)
        text.append(text.empty() ? "" : separator).append(problem.where).append(": ").append(problem.what);
    return text;
}

std::span<const SettingDescription> setting_descriptions()
{
    static const auto descriptions = [] {
        std::vector<SettingDescription> all;
        all.reserve(rows.size());
        for (const Row& row : rows)
            all.push_back(row.description);
        return all;
    }();
    return descriptions;
}

std::vector<SettingValue> parse_settings_text(std::string_view text, const std::string& file_name,
                                              std::vector<Problem>& problems)
{
    std::vector<SettingValue> values;
    if (TextFault fault = find_text_fault(text); !fault.what.empty()) {
        problems.push_back({file_name + ":" + std::to_string(fault.line), std::move(fault.what)});
        return values;
    }
    for (TextLines lines{text}; lines.next();) {
        const std::string_view line = trim(lines.line());
        if (line.empty() || line.front() == '#') continue;
        const auto equals = line.find('=');
        const std::string where = file_name + ":" + std::to_string(lines.number());
        if (equals == std::string_view::npos) {
            problems.push_back({where, "not a line of the form: name = value"});
            continue;
        }
        SettingValue value{std::string{trim(line.substr(0, equals))},
                           std::string{trim(line.substr(equals + 1))}, where};
        const auto before = std::find_if(values.begin(), values.end(),
                                         [&](const SettingValue& other) { return other.name == value.name; });
        if (before != values.end() && !may_be_repeated(value.name)) {
            problems.push_back({where, value.name + " is given a second time, after " + before->where});
            continue;
        }
        values.push_back(std::move(value));
    }
    return values;
}

void apply_settings(Settings& settings, std::span<const SettingValue> values, std::vector<Problem>& problems)
{
    for (const AddressList& list : address_lists)
        if (std::any_of(values.begin(), values.end(),
                        [&](const SettingValue& value) { return value.name == list.name; }))
            (settings.*list.addresses).clear();
    for (const SettingValue& value : values) {
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&](const Row& r) { return r.description.name == value.name; });
        if (row == rows.end() && is_obsolete(value.name)) continue;
        if (row == rows.end()) {
            problems.push_back({value.where, "there is no setting '" + value.name + "'"});
        } else if (const Complaint complaint = row->take(settings, value.value, row->description.argument)) {
            problems.push_back({value.where, value.name + " " + *complaint});
        }
    }
}

std::string settings_text(const Settings& settings)
{
    std::string text;
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) text.append(name).append(" = ").append(value).append("\n");
    };
    for (const Row& row : rows)
        if (row.show != nullptr) add(row.description.name, row.show(settings, row.description.argument));
    for (const AddressList& list : address_lists)
        for (const std::string& address : settings.*list.addresses)
            add(list.name, address);
    return text;
}

Settings settings_of(std::string_view text)
{
    Settings settings;
    std::vector<Problem> problems;
    apply_settings(settings, parse_settings_text(text, "settings", problems), problems);
    if (!problems.empty()) throw std::runtime_error{problems.front().where + ": " + problems.front().what};
    return settings;
}

} // namespace ftpc::server
