// A line from an unauthenticated client, on its way through parse_command and RemotePath; and lines of a
// reply from a server.
#include "fuzz/require.hpp"
#include "shared/base/text.hpp"
#include "shared/protocol/command.hpp"
#include "shared/protocol/remote_path.hpp"
#include "shared/protocol/reply.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace ftpc;
using fuzz::require;

namespace {

void check_path(const RemotePath& path)
{
    const std::string_view text = path.text();
    require(text.starts_with('/') && text.size() <= max_path_bytes, "a path is absolute and bounded");
    require(is_utf8(text) && !has_control_character(text), "a path is clean text");
    const std::string within = std::string{text} + "/";
    for (const char* never : {"//", "/./", "/../"})
        require(path.is_home() || within.find(never) == std::string::npos, "a path is resolved");
    require(path.name().size() <= max_name_bytes, "a name is bounded");
    require(RemotePath{}.resolve(text).value() == path, "a path resolves to itself");
    require(path.is_home() || path.parent().resolve(path.name()).value() == path,
            "a path is its parent and its name");
}

void walk(std::string_view directory, std::string_view argument)
{
    const auto working_directory = RemotePath{}.resolve(directory);
    if (!working_directory) return;
    check_path(*working_directory);
    if (const auto path = working_directory->resolve(argument)) check_path(*path);
}

void parse(std::string_view line)
{
    const auto command = parse_command(line);
    if (!command) return;
    require(line.ends_with(command->argument), "the argument is the end of its line");
    const auto [word, rest] = split_first_word(command->argument);
    require(word.find(' ') == std::string_view::npos, "a word has no space");
    walk(word, rest);
    walk(rest, word);
}

void write_and_read_reply(std::string_view text)
{
    const Reply reply{211, std::string{text}};
    std::string wire;
    append_wire(wire, reply);
    ReplyReader reader;
    auto state = ReplyReader::State::incomplete;
    std::string_view rest = wire;
    while (!rest.empty() && state == ReplyReader::State::incomplete) {
        const auto end = rest.find("\r\n");
        state = reader.feed(rest.substr(0, end));
        rest.remove_prefix(end + 2);
    }
    require(state == ReplyReader::State::complete && rest.empty(), "a reply ends where it was ended");
    require(reader.reply() == reply, "a reply is read as it was written");
}

void read_replies(std::string_view bytes)
{
    ReplyReader reader;
    while (!bytes.empty()) {
        const std::string_view line = bytes.substr(0, bytes.find('\n'));
        bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
        if (reader.feed(line) == ReplyReader::State::malformed) return;
        require(reader.reply().code >= 100 && reader.reply().code <= 599, "a reply code is in its range");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    parse(bytes);
    walk("/a/b", bytes);
    read_replies(bytes);
    if (bytes.find('\r') == std::string_view::npos && size < 32768) write_and_read_reply(bytes);
    return 0;
}
