// Standard input, output and error of a program that was started without one of them.
#pragma once

namespace ftpc {

// Opens /dev/null for reading in place of each that is closed: standard input is at its end, and a write to
// the others fails with EBADF, so that output which nobody gets is not taken for written. Otherwise the next
// file or socket would take its number, and what is printed would go there. To be called before anything else
// is opened.
void open_standard_descriptors();

} // namespace ftpc
