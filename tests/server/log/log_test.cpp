#include "server/log/log.hpp"

#include "shared/base/unique_fd.hpp"
#include "support/catch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

std::string line(std::string_view process, std::string_view event, std::initializer_list<LogField> fields)
{
    return log_line(LogFormat::logfmt, {}, process, event, fields);
}

std::string json(std::initializer_list<LogField> fields)
{
    return log_line(LogFormat::json, {}, "p", "e", fields);
}

// Bytes that no client may bring into a log.
const std::string nasty[] = {"x\nftpcd: event=login user=root result=granted",
                             "x\r\nevent=y",
                             "x result=granted",
                             "x\" result=\"granted",
                             "x\",\"result\":\"granted",
                             "\x1b]0;title\x07",
                             std::string{"\0nul", 4},
                             "\xff\xfe",
                             "\xc2\x85next line",
                             "trailing\\"};

} // namespace

TEST_CASE("an event is one line of names and values")
{
    CHECK(line("ftpcd[net]", "login", {{"user", "alice"}, {"count", std::uint64_t{3}}}) ==
          "ftpcd[net]: event=login user=alice count=3\n");
    CHECK(line("ftpcd", "reloaded", {}) == "ftpcd: event=reloaded\n");
}

TEST_CASE("values with spaces, quotes or an equals sign are quoted, and so is nothing at all")
{
    CHECK(line("p", "e", {{"a", "b c"}}) == "p: event=e a=\"b c\"\n");
    CHECK(line("p", "e", {{"a", ""}}) == "p: event=e a=\"\"\n");
    CHECK(line("p", "e", {{"a", "b=c"}}) == "p: event=e a=\"b=c\"\n");
    CHECK(line("p", "e", {{"a", "say \"hi\""}}) == "p: event=e a=\"say \\\"hi\\\"\"\n");
    CHECK(line("p", "e", {{"a", "资料"}}) == "p: event=e a=资料\n");
    CHECK(line("p", "e", {{"a", "b\u00A0c"}}) == "p: event=e a=\"b\u00A0c\"\n");
    CHECK(line("p", "e", {{"a", "资\u3000料"}}) == "p: event=e a=\"资\u3000料\"\n");
}

TEST_CASE("nobody can forge a line or a field, or reach the reader's terminal")
{
    for (const std::string& value : nasty) {
        const std::string line =
            log_line(LogFormat::logfmt, {}, "ftpcd", "login", {{"user", value}, {"result", "refused"}});
        INFO(line);
        CHECK(std::count(line.begin(), line.end(), '\n') == 1);
        CHECK(line.back() == '\n');
        CHECK(std::none_of(line.begin(), line.end() - 1,
                           [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
        CHECK(line.find("\xc2\x85") == std::string::npos);
        CHECK(line.find('\xff') == std::string::npos);
        CHECK(line.substr(0, 24) == "ftpcd: event=login user=");
        CHECK(line.substr(line.size() - 16) == " result=refused\n");
        // Within quotes every quote of the value itself is escaped.
        const std::string shown = line.substr(24, line.size() - 24 - 16);
        if (shown.front() != '"') continue;
        CHECK(shown.back() == '"');
        for (std::size_t i = 1; i + 1 < shown.size(); ++i) {
            if (shown[i] == '\\') {
                ++i;
                continue;
            }
            CHECK(shown[i] != '"');
        }
    }
}

TEST_CASE("a line begins with the time if there is one")
{
    CHECK(log_line(LogFormat::logfmt, "2026-11-29T10:15:00.123Z", "p", "e", {{"a", "b"}}) ==
          "p: time=2026-11-29T10:15:00.123Z event=e a=b\n");
    CHECK(log_line(LogFormat::json, "2026-11-29T10:15:00.123Z", "p", "e", {{"a", "b"}}) ==
          R"({"time":"2026-11-29T10:15:00.123Z","process":"p","event":"e","a":"b"})"
          "\n");
}

TEST_CASE("in JSON numbers are numbers, and all else is text")
{
    CHECK(json({}) == "{\"process\":\"p\",\"event\":\"e\"}\n");
    CHECK(json({{"user", "alice"}, {"count", std::uint64_t{3}}}) ==
          R"({"process":"p","event":"e","user":"alice","count":3})"
          "\n");
    CHECK(json({{"a", ""}}) == R"({"process":"p","event":"e","a":""})"
                               "\n");
    CHECK(json({{"a", "say \"hi\" \\"}}) == R"({"process":"p","event":"e","a":"say \"hi\" \\\\"})"
                                            "\n");
    CHECK(json({{"a", "资料"}}) == R"({"process":"p","event":"e","a":"资料"})"
                                   "\n");
}

TEST_CASE("nobody can forge a line or a member in JSON")
{
    for (const std::string& value : nasty) {
        const std::string written = json({{"user", value}, {"result", "refused"}});
        INFO(written);
        CHECK(std::count(written.begin(), written.end(), '\n') == 1);
        CHECK(std::none_of(written.begin(), written.end() - 1,
                           [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
        const std::string before = R"({"process":"p","event":"e","user":")";
        const std::string after = "\",\"result\":\"refused\"}\n";
        REQUIRE(written.starts_with(before));
        REQUIRE(written.ends_with(after));
        // Between them every quote is escaped, and no backslash escapes the last one.
        const std::string shown =
            written.substr(before.size(), written.size() - before.size() - after.size());
        std::size_t at = 0;
        for (; at < shown.size(); ++at) {
            CHECK(shown[at] != '"');
            if (shown[at] == '\\') ++at;
        }
        CHECK(at == shown.size());
    }
}

TEST_CASE("a log that nobody reads holds nobody up, and says afterwards how many lines were lost")
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const UniqueFd reader{pipe[0]};
    const UniqueFd kept{::dup(STDERR_FILENO)};
    REQUIRE(::dup2(pipe[1], STDERR_FILENO) == STDERR_FILENO);
    ::close(pipe[1]);
    for (int i = 0; i < 5000; ++i) // many times the size of a pipe
        log_event("flood", {{"text", std::string(100, 'x')}});
    std::string read(1U << 20, '\0');
    const ssize_t first = ::read(reader.get(), read.data(), read.size());
    log_event("later");
    const ssize_t second = ::read(reader.get(), read.data(), read.size());
    ::dup2(kept.get(), STDERR_FILENO);
    CHECK(first > 0);
    REQUIRE(second > 0);
    read.resize(static_cast<std::size_t>(second));
    CHECK(read.find("event=log-lines-lost count=4") != std::string::npos);
    CHECK(read.find("event=later") != std::string::npos);
}
