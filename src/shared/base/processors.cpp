#include "shared/base/processors.hpp"

#include <sched.h>

namespace ftpc {

std::vector<int> usable_processors()
{
    std::vector<int> processors;
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return processors;
    for (int processor = 0; processor < CPU_SETSIZE; ++processor)
        if (CPU_ISSET(processor, &set)) processors.push_back(processor);
    return processors;
}

void stay_on_processors(const std::vector<int>& processors)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int processor : processors)
        CPU_SET(processor, &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

} // namespace ftpc
