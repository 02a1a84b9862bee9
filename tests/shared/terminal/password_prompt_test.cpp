#include "shared/terminal/password_prompt.hpp"

#include "shared/base/error.hpp"
#include "shared/base/unique_fd.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "support/terminal_session.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

using namespace ftpc;
using test::TerminalSession;

namespace {

const std::string prompt = "Password for alice: ";

std::string told(const Result<SecretText>& answer)
{
    return answer ? "answer <" + std::string{view(*answer)} + ">" : answer.error().message();
}

std::string ask()
{
    return told(ask_password(prompt));
}

std::string system_message(int number)
{
    return error_code{number, boost::system::system_category()}.message();
}

// While it lives, standard input is a file.
class StandardInput {
public:
    explicit StandardInput(const std::string& path) : before_{::dup(STDIN_FILENO)}
    {
        const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        REQUIRE(file);
        REQUIRE(::dup2(file.get(), STDIN_FILENO) == STDIN_FILENO);
    }
    StandardInput(const StandardInput&) = delete;
    StandardInput& operator=(const StandardInput&) = delete;
    ~StandardInput() { ::dup2(before_.get(), STDIN_FILENO); }

private:
    UniqueFd before_;
};

std::string answer_from(const std::string& contents)
{
    const test::TemporaryDirectory directory;
    directory.write("input", contents);
    const StandardInput input{directory.path("input")};
    return told(read_password_from_stdin());
}

} // namespace

TEST_CASE("a password is read without echo, and the terminal is as before afterwards")
{
    TerminalSession session{ask};
    session.wait_for(prompt);
    CHECK(!session.echoes());
    session.type("密码 secret\n");
    CHECK(session.next_report() == "answer <密码 secret>");
    CHECK(session.next_report() == "exited 0");
    session.wait_for("\r\n");
    CHECK(session.shown() == prompt + "\r\n");
    CHECK(session.echoes());
}

TEST_CASE("Ctrl-C at the prompt ends the program by SIGINT with the echo restored")
{
    TerminalSession session{ask};
    session.wait_for(prompt);
    session.type("half a pass\x03");
    CHECK(session.next_report() == "killed " + std::to_string(SIGINT));
    CHECK(session.echoes());
    session.wait_for("\r\n");
    CHECK(session.shown().find("half") == std::string::npos);
}

TEST_CASE("no signal is lost between the prompt and the waiting")
{
    for (int i = 0; i < 50; ++i) {
        TerminalSession session{ask};
        session.wait_for(prompt);
        session.type("\x03");
        REQUIRE(session.next_report() == "killed " + std::to_string(SIGINT));
    }
}

TEST_CASE("other signals that end the program do it with the echo restored")
{
    for (const int number : {SIGTERM, SIGHUP, SIGQUIT}) {
        TerminalSession session{ask};
        session.wait_for(prompt);
        session.send_signal(number);
        CHECK(session.next_report() == "killed " + std::to_string(number));
        CHECK(session.echoes());
    }
}

TEST_CASE("Ctrl-Z at the prompt stops the program with the echo restored, and going on asks again")
{
    TerminalSession session{ask};
    session.wait_for(prompt);
    session.type("\x1a");
    CHECK(session.next_report() == "stopped " + std::to_string(SIGTSTP));
    CHECK(session.echoes());
    session.send_signal(SIGCONT);
    session.wait_for(prompt + "\r\n" + prompt);
    CHECK(!session.echoes());
    session.type("secret\n");
    CHECK(session.next_report() == "answer <secret>");
    session.wait_for("\r\n");
    CHECK(session.echoes());
}

TEST_CASE("a signal that the program ignores does not end the question")
{
    TerminalSession session{[] {
        (void)std::signal(SIGHUP, SIG_IGN);
        return ask();
    }};
    session.wait_for(prompt);
    session.send_signal(SIGHUP);
    session.wait_for(prompt + "\r\n" + prompt);
    session.type("secret\n");
    CHECK(session.next_report() == "answer <secret>");
}

TEST_CASE("the end of input at the prompt is a cancelled question")
{
    TerminalSession session{ask};
    session.wait_for(prompt);
    session.type("\x04");
    CHECK(session.next_report() == system_message(ECANCELED));
    CHECK(session.next_report() == "exited 0");
    CHECK(session.echoes());
}

TEST_CASE("an empty line at the prompt is an empty answer")
{
    TerminalSession session{ask};
    session.wait_for(prompt);
    session.type("\n");
    CHECK(session.next_report() == "answer <>");
}

TEST_CASE("a line at the prompt that is longer than any password is refused whole")
{
    TerminalSession session{[] {
        const std::string first = ask();
        return first + ", then " + ask();
    }};
    session.wait_for(prompt);
    session.type(std::string(2000, 'x') + "\n");
    session.wait_for(prompt + "\r\n" + prompt);
    session.type("secret\n");
    CHECK(session.next_report() == make_error_code(Errc::long_password).message() + ", then answer <secret>");
}

TEST_CASE("without a terminal there is nobody to ask")
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::setsid();
        const auto answer = ask_password(prompt);
        ::_exit(answer.error().value() == ENXIO ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("a password on standard input is its first line, without the line end")
{
    CHECK(answer_from("secret\nmore\n") == "answer <secret>");
    CHECK(answer_from("secret\r\n") == "answer <secret>");
    CHECK(answer_from("secret") == "answer <secret>");
    CHECK(answer_from(" s\rt \n") == "answer < s\rt >");
    CHECK(answer_from("\n") == "answer <>");
    CHECK(answer_from("") == system_message(ECANCELED));
}

TEST_CASE("a password on standard input is read with a bound")
{
    CHECK(answer_from(std::string(1024, 'x') + "\r\n") == "answer <" + std::string(1024, 'x') + ">");
    CHECK(answer_from(std::string(2000, 'x') + "\n") == make_error_code(Errc::long_password).message());
    const StandardInput endless{"/dev/zero"};
    CHECK(told(read_password_from_stdin()) == make_error_code(Errc::long_password).message());
}
