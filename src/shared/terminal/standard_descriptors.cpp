#include "shared/terminal/standard_descriptors.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace ftpc {

void open_standard_descriptors()
{
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) ::close(fd);
}

} // namespace ftpc
