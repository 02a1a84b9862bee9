#include "server/lockdown/forbidden_call_report.hpp"

#include <unistd.h>

#include <seccomp.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace ftpc::server {

namespace {

// Everything that the handler needs is made before: it may neither allocate nor lock (signal-safety(7)).
constexpr int most_calls = 512; // of the native numbers, in 2025 below 470
std::array<std::array<char, 32>, most_calls> call_names{};
std::array<char, 32> process_name{};

struct Line {
    std::array<char, 160> text{};
    std::size_t size = 0;

    void add(const char* word)
    {
        while (*word != '\0' && size < text.size())
            text[size++] = *word++;
    }
    void add_number(unsigned number)
    {
        if (number >= 10) add_number(number / 10);
        const std::array<char, 2> digit{static_cast<char>('0' + number % 10), '\0'};
        add(digit.data());
    }
};

void report(int, siginfo_t* info, void*)
{
    const auto number = static_cast<unsigned>(info->si_syscall);
    const char* const name = number < most_calls ? call_names[number].data() : "";
    Line line;
    line.add(process_name.data());
    line.add(": event=forbidden-system-call name=");
    line.add(*name != '\0' ? name : "unknown");
    line.add(" number=");
    line.add_number(number);
    line.add("\n");
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.text.data(), line.size);
    static_cast<void>(std::raise(SIGSYS)); // which is the default action again
}

template <std::size_t N>
void copy(std::array<char, N>& to, std::string_view from)
{
    from = from.substr(0, N - 1);
    std::memcpy(to.data(), from.data(), from.size());
}

} // namespace

void name_forbidden_calls(std::string_view process)
{
    copy(process_name, process);
    for (int number = 0; number < most_calls; ++number) {
        char* const name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
        if (name != nullptr) copy(call_names[static_cast<std::size_t>(number)], name);
        std::free(name);
    }
    struct sigaction action {};
    action.sa_sigaction = report;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGSYS, &action, nullptr);
}

} // namespace ftpc::server
