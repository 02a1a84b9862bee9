#include "server/config/settings.hpp"

#include "shared/base/duration.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

namespace ftpc::server {

namespace {

std::string_view trim(std::string_view text)
{
    constexpr std::string_view white = " \t\r";
    const auto first = text.find_first_not_of(white);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white) - first + 1);
}

using Complaint = std::optional<std::string>; // none: the value was taken

Complaint take_number(unsigned& out, std::string_view text, unsigned least, unsigned most, int base = 10)
{
    const auto value = parse_number<unsigned>(text, least, most, base);
    if (!value) return "must be a number from " + std::to_string(least) + " to " + std::to_string(most);
    out = *value;
    return {};
}

Complaint take_duration(std::chrono::seconds& out, std::string_view text)
{
    const auto length = parse_duration(text);
    if (!length) return "must be a length of time such as 90s, 15m, 12h or 7d";
    out = *length;
    return {};
}

Complaint take_text(std::string& out, std::string_view text)
{
    if (text.empty()) return "must not be empty";
    if (has_control_character(text)) return "must be UTF-8 without control characters";
    if (text != trim(text)) return "must not begin or end with white space";
    out = text;
    return {};
}

Complaint take_log_format(LogFormat& out, std::string_view text)
{
    if (text != "logfmt" && text != "json") return "must be logfmt or json";
    out = text == "json" ? LogFormat::json : LogFormat::logfmt;
    return {};
}

Complaint take_durability(Durability& out, std::string_view text)
{
    if (text != "group" && text != "none") return "must be group or none";
    out = text == "group" ? Durability::group : Durability::none;
    return {};
}

constexpr std::array<std::string_view, 3> lockdown_modes{"require", "prefer", "off"}; // as in LockdownMode

Complaint take_lockdown(LockdownMode& out, std::string_view text)
{
    const auto found = std::find(lockdown_modes.begin(), lockdown_modes.end(), text);
    if (found == lockdown_modes.end()) return "must be require, prefer or off";
    out = static_cast<LockdownMode>(found - lockdown_modes.begin());
    return {};
}

Complaint take_switch(bool& out, std::string_view text)
{
    if (text != "on" && text != "off") return "must be on or off";
    out = text == "on";
    return {};
}

Complaint take_directory_mode(mode_t& out, std::string_view text)
{
    unsigned mode = 0;
    // mkdir(2) leaves out set-user-id and set-group-id; the latter is inherited from the directory above.
    if (take_number(mode, text, 0700, 01777, 8) || (mode & 0700) != 0700)
        return "must be an octal mode up to 1777 that gives its owner everything, such as 0755 or 0750";
    out = mode;
    return {};
}

Complaint take_max_dirs(std::uint64_t& out, std::string_view text)
{
    const auto value = parse_number<std::uint64_t>(text);
    if (!value) return "must be a number; 0 sets no limit";
    out = *value;
    return {};
}

constexpr std::array hand_over_names{std::pair{HandOver::automatic, std::string_view{"auto"}},
                                     std::pair{HandOver::always, std::string_view{"always"}},
                                     std::pair{HandOver::never, std::string_view{"never"}}};

Complaint take_hand_over(HandOver& out, std::string_view text)
{
    for (const auto& [value, name] : hand_over_names) {
        if (name != text) continue;
        out = value;
        return {};
    }
    return "must be auto, always or never";
}

std::string hand_over_text(HandOver hand_over)
{
    for (const auto& [value, name] : hand_over_names)
        if (value == hand_over) return std::string{name};
    return {};
}

Complaint take_scrypt(ScryptCost& out, std::string_view text)
{
    ScryptCost cost{};
    int used = 0;
    const std::string copy{text};
    // NOLINTNEXTLINE(cert-err34-c): widths bound the numbers
    const int fields = std::sscanf(copy.c_str(), "ln=%2u,r=%2u,p=%2u%n", &cost.ln, &cost.r, &cost.p, &used);
    const bool whole = fields == 3 && static_cast<std::size_t>(used) == text.size();
    if (!whole || cost.ln < 10 || cost.ln > 20 || cost.r < 1 || cost.r > 32 || cost.p < 1 || cost.p > 16 ||
        cost.memory_bytes() > 1ULL << 30 || cost.ln >= 16 * cost.r) // RFC 7914 §2: N < 2^(128 * r / 8)
        return "must be like ln=15,r=8,p=3 with ln 10-20, r 1-32, p 1-16 and at most 1 GiB (128*r*2^ln); r 1 "
               "needs ln below 16";
    out = cost;
    return {};
}

std::string octal(mode_t mode)
{
    std::array<char, 16> text{};
    static_cast<void>(std::snprintf(text.data(), text.size(), "%04o", mode));
    return text.data();
}

std::string scrypt_text(const ScryptCost& cost)
{
    return "ln=" + std::to_string(cost.ln) + ",r=" + std::to_string(cost.r) + ",p=" + std::to_string(cost.p);
}

// Settings of earlier versions: they do nothing any more, and stop no server that still has them.
bool is_obsolete(std::string_view setting)
{
    return setting == "pin-reactors";
}

bool may_be_repeated(std::string_view setting)
{
    return setting == "listen";
}

struct Row {
    SettingDescription description;
    Complaint (*take)(Settings&, std::string_view);
    std::string (*show)(const Settings&);
};

const std::array rows{
    Row{{"data", "DIR",
         "users, session keys and certificate live here (/var/lib/ftpcd as root, else ~/.local/state/ftpcd)"},
        [](Settings& s, std::string_view v) { return take_text(s.data, v); },
        [](const Settings& s) { return s.data; }},
    Row{{"root", "DIR", "the tree in which users make directories (DATA/root)"},
        [](Settings& s, std::string_view v) { return take_text(s.root, v); },
        [](const Settings& s) { return s.root; }},
    Row{{"listen", "ADDRESS:PORT",
         "where to listen; may be given several times; port 0 takes a free one ([::]:2121)"},
        [](Settings& s, std::string_view v) { return take_text(s.listen.emplace_back(), v); },
        nullptr},
    Row{{"durability", "group|none",
         "when a directory is acknowledged: once it is on disk, or at once (group)"},
        [](Settings& s, std::string_view v) { return take_durability(s.durability, v); },
        [](const Settings& s) { return std::string{s.durability == Durability::group ? "group" : "none"}; }},
    Row{{"sync-parents", "N",
         "sync up to N parent directories one by one, more with one sync of the file system (8)"},
        [](Settings& s, std::string_view v) { return take_number(s.sync_parents, v, 0, 4096); },
        [](const Settings& s) { return std::to_string(s.sync_parents); }},
    Row{{"directory-mode", "MODE", "permissions of new directories, in octal (0755)"},
        [](Settings& s, std::string_view v) { return take_directory_mode(s.directory_mode, v); },
        [](const Settings& s) { return octal(s.directory_mode); }},
    Row{{"max-dirs", "N",
         "directories that the home of a user without a limit of its own may hold; 0 for any number (0)"},
        [](Settings& s, std::string_view v) { return take_max_dirs(s.max_dirs, v); },
        [](const Settings& s) { return std::to_string(s.max_dirs); }},
    Row{{"hand-over", "auto|always|never",
         "hand calls on directories to threads, so that a file system that hangs holds nobody else up: "
         "where it is not local, always, or never (auto)"},
        [](Settings& s, std::string_view v) { return take_hand_over(s.hand_over, v); },
        [](const Settings& s) { return hand_over_text(s.hand_over); }},
    Row{{"reactors", "N", "threads that serve connections; 0 for one a processor (0)"},
        [](Settings& s, std::string_view v) { return take_number(s.reactors, v, 0, 256); },
        [](const Settings& s) { return std::to_string(s.reactors); }},
    Row{{"busy-poll", "MICROSECONDS",
         "how long such a thread looks for something to do before it sleeps; 0 for never (50)"},
        [](Settings& s, std::string_view v) { return take_number(s.busy_poll, v, 0, 1000); },
        [](const Settings& s) { return std::to_string(s.busy_poll); }},
    Row{{"tree-workers", "N", "up to N threads for calls that may wait; they start when needed (16)"},
        [](Settings& s, std::string_view v) { return take_number(s.tree_workers, v, 2, 1024); },
        [](const Settings& s) { return std::to_string(s.tree_workers); }},
    Row{{"certificate", "FILE", "PEM certificate chain (a self-signed one in DATA/tls, made on first use)"},
        [](Settings& s, std::string_view v) { return take_text(s.certificate, v); },
        [](const Settings& s) { return s.certificate; }},
    Row{{"key", "FILE", "PEM private key of the certificate (DATA/tls/key.pem)"},
        [](Settings& s, std::string_view v) { return take_text(s.key, v); },
        [](const Settings& s) { return s.key; }},
    Row{{"pepper-file", "FILE", "a secret of 32 bytes or more that is mixed into password hashes (none)"},
        [](Settings& s, std::string_view v) { return take_text(s.pepper_file, v); },
        [](const Settings& s) { return s.pepper_file; }},
    Row{{"net-user", "NAME",
         "when started as root: system user that talks to clients and owns the tree (ftpcd)"},
        [](Settings& s, std::string_view v) { return take_text(s.net_user, v); },
        [](const Settings& s) { return s.net_user; }},
    Row{{"auth-user", "NAME", "when started as root: system user that owns the secrets (ftpcd-auth)"},
        [](Settings& s, std::string_view v) { return take_text(s.auth_user, v); },
        [](const Settings& s) { return s.auth_user; }},
    Row{{"login-timeout", "TIME", "a connection must be logged in after this time (2m)"},
        [](Settings& s, std::string_view v) { return take_duration(s.login_timeout, v); },
        [](const Settings& s) { return duration_text(s.login_timeout); }},
    Row{{"idle-timeout", "TIME", "a session without a command ends after this time (15m)"},
        [](Settings& s, std::string_view v) { return take_duration(s.idle_timeout, v); },
        [](const Settings& s) { return duration_text(s.idle_timeout); }},
    Row{{"tls-timeout", "TIME", "a TLS handshake must be done after this time (20s)"},
        [](Settings& s, std::string_view v) { return take_duration(s.tls_timeout, v); },
        [](const Settings& s) { return duration_text(s.tls_timeout); }},
    Row{{"write-timeout", "TIME", "a client that takes nothing of its replies for this time is cut off (1m)"},
        [](Settings& s, std::string_view v) { return take_duration(s.write_timeout, v); },
        [](const Settings& s) { return duration_text(s.write_timeout); }},
    Row{{"session-ttl", "TIME", "life time of session keys, at most and by default (7d)"},
        [](Settings& s, std::string_view v) { return take_duration(s.session_ttl, v); },
        [](const Settings& s) { return duration_text(s.session_ttl); }},
    Row{{"max-connections", "N", "connections at the same time; one too many gets 421 (10000)"},
        [](Settings& s, std::string_view v) { return take_number(s.max_connections, v, 1, 1000000); },
        [](const Settings& s) { return std::to_string(s.max_connections); }},
    Row{{"max-connections-per-address", "N", "of one IPv4 address or one /64 of IPv6 (2000)"},
        [](Settings& s, std::string_view v) {
            return take_number(s.max_connections_per_address, v, 1, 1000000);
        },
        [](const Settings& s) { return std::to_string(s.max_connections_per_address); }},
    Row{{"max-unauthenticated", "N",
         "connections that are not logged in; one too many, and one of them drawn by lot gets 421 (1000)"},
        [](Settings& s, std::string_view v) { return take_number(s.max_unauthenticated, v, 1, 1000000); },
        [](const Settings& s) { return std::to_string(s.max_unauthenticated); }},
    Row{{"max-sessions-per-user", "N", "sessions of one user at the same time (2000)"},
        [](Settings& s, std::string_view v) { return take_number(s.max_sessions_per_user, v, 1, 1000000); },
        [](const Settings& s) { return std::to_string(s.max_sessions_per_user); }},
    Row{{"max-commands-per-second", "N", "of one session; a faster one waits; 0: no bound (0)"},
        [](Settings& s, std::string_view v) { return take_number(s.max_commands_per_second, v, 0, 1000000); },
        [](const Settings& s) { return std::to_string(s.max_commands_per_second); }},
    Row{{"log-directories", "on|off", "log a line for each path that is made (on)"},
        [](Settings& s, std::string_view v) { return take_switch(s.log_directories, v); },
        [](const Settings& s) { return std::string{s.log_directories ? "on" : "off"}; }},
    Row{{"hash-workers", "N",
         "threads that check passwords, 0 for one a core; each keeps the memory of a hash (0)"},
        [](Settings& s, std::string_view v) { return take_number(s.hash_workers, v, 0, 256); },
        [](const Settings& s) { return std::to_string(s.hash_workers); }},
    Row{{"hash-queue", "N", "logins that may wait for a password check; further ones get 421 (256)"},
        [](Settings& s, std::string_view v) { return take_number(s.hash_queue, v, 1, 65536); },
        [](const Settings& s) { return std::to_string(s.hash_queue); }},
    Row{{"login-limit-address", "N",
         "refused logins of one address that are free; each further one makes it wait, from 1m to 1h; 0 for "
         "no limit (10)"},
        [](Settings& s, std::string_view v) { return take_number(s.login_limit_address, v, 0, 1000000); },
        [](const Settings& s) { return std::to_string(s.login_limit_address); }},
    Row{{"login-limit-account", "N",
         "refused logins at one account that are free; then logins from new addresses wait up to 5s; 0 for "
         "no "
         "limit (10)"},
        [](Settings& s, std::string_view v) { return take_number(s.login_limit_account, v, 0, 1000000); },
        [](const Settings& s) { return std::to_string(s.login_limit_account); }},
    Row{{"login-limit-forget", "TIME", "one refused login is forgotten in this time (10m)"},
        [](Settings& s, std::string_view v) { return take_duration(s.login_limit_forget, v); },
        [](const Settings& s) { return duration_text(s.login_limit_forget); }},
    Row{{"log-format", "logfmt|json", "how the log is written (logfmt)"},
        [](Settings& s, std::string_view v) { return take_log_format(s.log_format, v); },
        [](const Settings& s) { return std::string{s.log_format == LogFormat::json ? "json" : "logfmt"}; }},
    Row{{"scrypt", "ln=N,r=N,p=N",
         "cost of password hashes; older ones are renewed at login (ln=15,r=8,p=3)"},
        [](Settings& s, std::string_view v) { return take_scrypt(s.scrypt, v); },
        [](const Settings& s) { return scrypt_text(s.scrypt); }},
    Row{{"lockdown", "require|prefer|off",
         "Landlock and seccomp for the inner processes; require: no start on a kernel without them (prefer)"},
        [](Settings& s, std::string_view v) { return take_lockdown(s.lockdown, v); },
        [](const Settings& s) {
            return std::string{lockdown_modes.at(static_cast<std::size_t>(s.lockdown))};
        }},
    Row{{"lockdown-debug", "on|off",
         "name a system call that the lockdown forbids in the log before the process ends (off)"},
        [](Settings& s, std::string_view v) { return take_switch(s.lockdown_debug, v); },
        [](const Settings& s) { return std::string{s.lockdown_debug ? "on" : "off"}; }},
};

} // namespace

std::string default_data_directory()
{
    if (::geteuid() == 0) return system_data_directory;
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && *state == '/') return std::string{state} + "/ftpcd";
    const char* home = std::getenv("HOME");
    return std::string{home != nullptr ? home : ""} + "/.local/state/ftpcd";
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
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const std::string_view line = trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.front() == '#') continue;
        const auto equals = line.find('=');
        const std::string where = file_name + ":" + std::to_string(number);
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
    const auto repeated = [](const SettingValue& value) { return may_be_repeated(value.name); };
    if (std::any_of(values.begin(), values.end(), repeated)) settings.listen.clear();
    for (const SettingValue& value : values) {
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&](const Row& r) { return r.description.name == value.name; });
        if (row == rows.end() && is_obsolete(value.name)) continue;
        if (row == rows.end()) {
            problems.push_back({value.where, "there is no setting '" + value.name + "'"});
        } else if (const Complaint complaint = row->take(settings, value.value)) {
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
        if (row.show != nullptr) add(row.description.name, row.show(settings));
    for (const std::string& address : settings.listen)
        add("listen", address);
    return text;
}

} // namespace ftpc::server
