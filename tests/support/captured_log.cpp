#include "support/captured_log.hpp"

#include "shared/files/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>

namespace ftpc::test {

CapturedLog::CapturedLog()
    : file_{::openat(directory_.fd(), "log", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)},
      standard_error_{::dup(STDERR_FILENO)}
{
    ::dup2(file_.get(), STDERR_FILENO);
}

CapturedLog::~CapturedLog()
{
    ::dup2(standard_error_.get(), STDERR_FILENO);
}

std::string CapturedLog::text() const
{
    constexpr std::size_t most = std::size_t{16} << 20U;
    return read_all(file_.get(), most).value();
}

} // namespace ftpc::test
