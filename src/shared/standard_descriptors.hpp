// Standard input, output and error of a program that was started without one of them.
#pragma once

namespace ftpc {

// Opens /dev/null in place of each that is closed. Otherwise the next file or socket would take its number,
// and what is printed would go there. To be called before anything else is opened.
void open_standard_descriptors();

} // namespace ftpc
