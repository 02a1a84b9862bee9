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

// The first line of standard input, without its line end (LF or CR LF). A byte-order mark is left out,
// too: nobody types one. Any other byte counts. Fails with ECANCELED if there is nothing, with
// Errc::long_password if the line is longer than any password, and with Errc::not_utf8 for a NUL byte.
Result<SecretText> read_password_from_stdin();

} // namespace ftpc
