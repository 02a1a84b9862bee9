// Starting threads, which a limit of processes or of memory may refuse.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace ftpc {

// Throws std::runtime_error with the reason and what to do if there can be no further thread.
std::thread start_thread(std::function<void()> work);

// "Resource temporarily unavailable; raise ...": for a failure of fork(2) or pthread_create(3).
std::string why_no_process(int number);

} // namespace ftpc
