// Questions to the user at the terminal.
#pragma once

#include "shared/base/result.hpp"

#include <string>

namespace ftpc::client {

enum class Answer { yes, no };

// Shows `question` on the controlling terminal (/dev/tty) and reads a line from it. Yes is "y" or "yes" in
// any case, no everything else, the end of input included. Fails with ENXIO if there is no terminal.
Result<Answer> ask_yes_or_no(const std::string& question);

} // namespace ftpc::client
