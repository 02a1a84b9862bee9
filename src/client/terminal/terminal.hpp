// The user's terminal: questions, its width and its colours.
#pragma once

#include "shared/base/result.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace ftpc::client {

enum class Answer { yes, no };

// Shows `question` on the controlling terminal (/dev/tty) and reads a line from it. Yes is "y" or "yes" in
// any case, no everything else, the end of input included. Fails with ENXIO if there is no terminal.
Result<Answer> ask_yes_or_no(const std::string& question);

// The columns of the terminal at `fd`, 80 if it does not say; nothing if it is no terminal.
std::optional<std::size_t> terminal_width(int fd);

// Whether `fd` is a terminal with colours: TERM is neither missing nor "dumb", and NO_COLOR is not set
// (https://no-color.org).
bool has_colours(int fd);

} // namespace ftpc::client
