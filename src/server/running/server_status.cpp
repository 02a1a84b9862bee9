#include "server/running/server_status.hpp"

#include "server/ipc/wire.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"

#include <stdexcept>
#include <string_view>

namespace ftpc::server {

namespace {

constexpr std::size_t max_name_bytes = 64;
constexpr std::size_t max_value_bytes = std::size_t{16} * 1024;

class StatusWriter {
public:
    void add(std::string_view name, std::string_view value)
    {
        packet_.text(name, max_name_bytes);
        packet_.text(value, max_value_bytes);
    }
    void add(std::string_view name, std::uint64_t number) { add(name, std::to_string(number)); }
    void add(const std::string& name, const OpenedDirectory& directory)
    {
        add(name + ".path", directory.path);
        add(name + ".real-path", directory.real_path);
        add(name + ".device", directory.identity.device);
        add(name + ".inode", directory.identity.inode);
    }
    SecretText take() { return packet_.take(); }

private:
    ipc::PacketWriter packet_;
};

class StatusReader {
public:
    void take(std::string_view name, std::string_view value)
    {
        if (name == "pid") status_.pid = number<pid_t>(value);
        if (name == "version") status_.version = value;
        if (name == "started") status_.started = number(value);
        if (name == "config") status_.config_file = value;
        if (name == "listening") status_.listening.emplace_back(value);
        if (name == "ntp") status_.ntp.emplace_back(value);
        if (name == "time-text") status_.time_text.emplace_back(value);
        if (name == "time-limit-hits") status_.time_limit_hits.requests = number(value);
        if (name == "time-limit-hits.peer") status_.time_limit_hits.last_peer = value;
        if (name == "time-limit-hits.last") status_.time_limit_hits.last_time = number(value);
        if (name == "fingerprint") status_.fingerprint = value;
        if (name == "child") take_child(value);
        if (name.starts_with("data.")) take_directory(status_.data, name.substr(5), value);
        if (name.starts_with("tree.")) take_directory(status_.tree, name.substr(5), value);
    }

    Result<ServerStatus> result() const
    {
        const bool complete = status_.pid > 0 && is_there(status_.data) && is_there(status_.tree);
        if (!ok_ || !complete) return Errc::bad_message;
        return status_;
    }

private:
    static bool is_there(const OpenedDirectory& directory)
    {
        return !directory.path.empty() && directory.identity.inode != 0;
    }

    template <class T = std::uint64_t>
    T number(std::string_view text)
    {
        const auto value = parse_number<T>(text);
        ok_ = ok_ && value;
        return value.value_or(0);
    }

    void take_child(std::string_view value)
    {
        const std::size_t space = value.find(' ');
        ok_ = ok_ && space != std::string_view::npos;
        if (ok_)
            status_.children.push_back(
                {std::string{value.substr(0, space)}, number<pid_t>(value.substr(space + 1))});
    }

    void take_directory(OpenedDirectory& directory, std::string_view name, std::string_view value)
    {
        if (name == "path") directory.path = value;
        if (name == "real-path") directory.real_path = value;
        if (name == "device") directory.identity.device = number(value);
        if (name == "inode") directory.identity.inode = number(value);
    }

    ServerStatus status_;
    bool ok_ = true;
};

} // namespace

SecretText encode(const ServerStatus& status)
{
    StatusWriter out;
    out.add("pid", static_cast<std::uint64_t>(status.pid));
    out.add("version", status.version);
    out.add("started", status.started);
    out.add("config", status.config_file);
    out.add("data", status.data);
    out.add("tree", status.tree);
    for (const std::string& address : status.listening)
        out.add("listening", address);
    for (const std::string& address : status.ntp)
        out.add("ntp", address);
    for (const std::string& address : status.time_text)
        out.add("time-text", address);
    out.add("time-limit-hits", status.time_limit_hits.requests);
    out.add("time-limit-hits.peer", status.time_limit_hits.last_peer);
    out.add("time-limit-hits.last", status.time_limit_hits.last_time);
    out.add("fingerprint", status.fingerprint);
    for (const RunningChild& child : status.children)
        out.add("child", child.name + " " + std::to_string(child.pid));
    SecretText packet = out.take();
    if (packet.size() > max_status_bytes) throw std::length_error{"too much for one status of a server"};
    return packet;
}

Result<ServerStatus> decode_status(std::span<const char> packet)
{
    ipc::PacketReader in{packet};
    StatusReader reader;
    while (in.ok() && !in.complete()) {
        const std::string_view name = in.text(max_name_bytes);
        const std::string_view value = in.text(max_value_bytes);
        if (in.ok()) reader.take(name, value);
    }
    if (!in.complete()) return Errc::bad_message;
    return reader.result();
}

} // namespace ftpc::server
