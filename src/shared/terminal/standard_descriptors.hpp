// Standard input, output and error of a program that was started without one of them.
#pragma once

namespace ftpc {

// Opens /dev/null for reading in place of each that is closed. Standard input is then at its end, and a write
// to the others fails with EBADF, so that lost output is not taken for written. Otherwise the next file or
// socket would take the number, and the output would go there. Call it before anything else is opened.
void open_standard_descriptors();

} // namespace ftpc
