// Asking for a password at the terminal.
#pragma once

#include "shared/base/result.hpp"
#include "shared/crypto/secret.hpp"

#include <string>

namespace ftpc {

// Shows `prompt` on the controlling terminal (/dev/tty) and reads one line from it without echo. The terminal
// is as before when this returns, also when a signal (Ctrl-C, Ctrl-Z) ends or stops the program meanwhile.
// Fails with ENXIO if there is no terminal, ECANCELED at end of input, Errc::long_password when the line is
// longer than any password.
Result<SecretText> ask_password(const std::string& prompt);

// The first line of standard input, without its line end (LF or CRLF). Fails with ECANCELED when there is
// nothing, Errc::long_password when the line is longer than any password.
Result<SecretText> read_password_from_stdin();

} // namespace ftpc
