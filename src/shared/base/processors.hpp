// The processors on which a thread may run, by their numbers.
#pragma once

#include <vector>

namespace ftpc {

// Those of the calling thread, in ascending order; empty if the kernel does not tell. A new thread begins
// with those of the thread that starts it.
std::vector<int> usable_processors();

// Keeps the calling thread on these; one or more. Without effect if the kernel refuses it.
void stay_on_processors(const std::vector<int>& processors);

} // namespace ftpc
