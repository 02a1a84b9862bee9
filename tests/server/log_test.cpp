#include "server/log.hpp"

#include "shared/unique_fd.hpp"
#include "support/catch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

TEST_CASE("an event is one line of names and values")
{
    CHECK(log_line("ftpcd[net]", "login", {{"user", "alice"}, {"count", std::uint64_t{3}}}) ==
          "ftpcd[net]: event=login user=alice count=3\n");
    CHECK(log_line("ftpcd", "reloaded", {}) == "ftpcd: event=reloaded\n");
}

TEST_CASE("values with spaces, quotes or an equals sign are quoted, and so is nothing at all")
{
    CHECK(log_line("p", "e", {{"a", "b c"}}) == "p: event=e a=\"b c\"\n");
    CHECK(log_line("p", "e", {{"a", ""}}) == "p: event=e a=\"\"\n");
    CHECK(log_line("p", "e", {{"a", "b=c"}}) == "p: event=e a=\"b=c\"\n");
    CHECK(log_line("p", "e", {{"a", "say \"hi\""}}) == "p: event=e a=\"say \\\"hi\\\"\"\n");
    CHECK(log_line("p", "e", {{"a", "资料"}}) == "p: event=e a=资料\n");
}

TEST_CASE("nobody can forge a line or a field, or reach the terminal of who reads it")
{
    const std::string nasty[] = {"x\nftpcd: event=login user=root result=granted",
                                 "x\r\nevent=y",
                                 "x result=granted",
                                 "x\" result=\"granted",
                                 "\x1b]0;title\x07",
                                 std::string{"\0nul", 4},
                                 "\xff\xfe",
                                 "\xc2\x85next line",
                                 "trailing\\"};
    for (const std::string& value : nasty) {
        const std::string line = log_line("ftpcd", "login", {{"user", value}, {"result", "refused"}});
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

TEST_CASE("a log that nobody reads holds nobody up, and says afterwards how many lines were lost")
{
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const UniqueFd reader{pipe[0]};
    const UniqueFd kept{::dup(STDERR_FILENO)};
    REQUIRE(::dup2(pipe[1], STDERR_FILENO) == STDERR_FILENO);
    ::close(pipe[1]);
    for (int i = 0; i < 5000; ++i) // many times what a pipe holds
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
