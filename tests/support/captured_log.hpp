// Captures standard error, and so the log, while this lives.
#pragma once

#include "shared/base/unique_fd.hpp"
#include "support/temporary_directory.hpp"

#include <string>

namespace ftpc::test {

class CapturedLog {
public:
    CapturedLog();
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;
    ~CapturedLog(); // standard error is as before

    std::string text() const;

private:
    TemporaryDirectory directory_;
    UniqueFd file_;
    UniqueFd standard_error_;
};

} // namespace ftpc::test
