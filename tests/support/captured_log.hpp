// What is written to standard error, and so to the log, while this lives.
#pragma once

#include "support/temporary_directory.hpp"

#include <string>

namespace ftpc::test {

class CapturedLog {
public:
    CapturedLog();
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;
    ~CapturedLog();

    std::string text() const;

private:
    TemporaryDirectory directory_;
    int file_;
    int standard_error_; // as it was
};

} // namespace ftpc::test
