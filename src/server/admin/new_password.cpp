#include "server/admin/new_password.hpp"

#include "server/config/command_line.hpp"
#include "server/users/password_hash.hpp"
#include "server/users/pepper.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/protocol/prehash.hpp"
#include "shared/terminal/password_prompt.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <stdexcept>
#include <string_view>

namespace ftpc::server {

namespace {

SecretText ask(const std::string& prompt)
{
    auto answer = ask_password(prompt);
    if (answer) return std::move(*answer);
    if (answer.error() == boost::system::errc::no_such_device_or_address)
        throw std::runtime_error{
            "there is no terminal to ask for the password; use --password-stdin or --generate"};
    if (answer.error() == boost::system::errc::operation_canceled)
        throw std::runtime_error{"no password was given"};
    throw std::runtime_error{answer.error().message()};
}

[[noreturn]] void refuse(const error_code& why)
{
    if (why == Errc::not_utf8) throw std::runtime_error{"the password is not valid UTF-8"};
    throw std::runtime_error{why.message()};
}

// Throws std::runtime_error when it is no password.
void check(const SecretText& password)
{
    if (const auto good = check_password(view(password)); !good) refuse(good.error());
}

SecretText ask_twice(const std::string& user)
{
    SecretText password = ask("Password for " + user + ": ");
    check(password);
    if (ask("The same again: ") != password) throw std::runtime_error{"the two passwords differ"};
    return password;
}

SecretText read_stdin()
{
    auto password = read_password_from_stdin();
    if (password) return std::move(*password);
    if (password.error() == boost::system::errc::operation_canceled)
        throw std::runtime_error{"there is no password on standard input"};
    refuse(password.error());
}

// A uniformly random character of `alphabet`.
char pick(std::string_view alphabet)
{
    const std::size_t limit = 256 / alphabet.size() * alphabet.size();
    while (true) {
        std::array<std::uint8_t, 1> random{};
        fill_random(random);
        if (random[0] < limit) return alphabet[random[0] % alphabet.size()];
    }
}

// Whether all of standard output has reached its file, or its pipe. Some file systems say only at a sync that
// they are full; others, and pipes, cannot sync, which is no loss.
bool standard_output_is_written()
{
    errno = 0;
    if (!std::cout.flush()) return false;
    return ::fsync(STDOUT_FILENO) == 0 || (errno != ENOSPC && errno != EDQUOT && errno != EIO);
}

// Nobody knows the password otherwise.
void show(const SecretText& password)
{
    std::cout << "password: " << view(password) << "\n";
    // protection: printed-password
    if (standard_output_is_written()) return;
    const std::string reason = errno == 0 ? "" : ": " + last_system_error().message();
    throw std::runtime_error{"the new password could not be written to standard output" + reason +
                             "; nothing was changed"};
}

} // namespace

void add_password_options(boost::program_options::options_description& options)
{
    options.add_options()("password-stdin", "read the password from the first line of standard input")(
        "generate", "make a random password and print it");
}

NewPassword choose_password(const boost::program_options::variables_map& values, const std::string& user)
{
    const bool from_stdin = values.count("password-stdin") != 0;
    const bool generate = values.count("generate") != 0;
    if (from_stdin && generate) throw UsageError{"--password-stdin and --generate exclude each other"};
    if (generate) return {generate_password(), true};
    NewPassword chosen{from_stdin ? read_stdin() : ask_twice(user), false};
    check(chosen.text);
    return chosen;
}

SecretText generate_password()
{
    constexpr std::string_view alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
    constexpr int characters = 24;
    constexpr int group = 4;
    SecretText password;
    password.reserve(characters + characters / group);
    for (int i = 0; i < characters; ++i) {
        if (i != 0 && i % group == 0) password.push_back('-');
        password.push_back(pick(alphabet));
    }
    return password;
}

std::string hash_new_password(const SecretText& password, const std::string& realm, const std::string& user,
                              const Settings& settings)
{
    const Pepper pepper{read_pepper_file(settings.pepper_file)};
    return to_text(make_password_hash(prehash(view(password), realm, user), settings.scrypt, pepper));
}

void show_and_commit(const NewPassword& password, const std::function<void()>& commit,
                     const std::function<bool()>& in_force)
{
    if (!password.generated) return commit();
    show(password.text);
    try {
        commit();
    } catch (const std::runtime_error& failure) {
        if (in_force()) throw;
        throw std::runtime_error{std::string{failure.what()} +
                                 "\nftpcd: the password that was printed is not in force"};
    }
}

} // namespace ftpc::server
