// A directory for one test, removed with all that is in it at the end of its life.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <string>
#include <vector>

namespace ftpc::test {

class TemporaryDirectory {
public:
    // Makes it beneath $TMPDIR, or /tmp, with mode 0700.
    TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();

    const std::string& path() const { return path_; }
    std::string path(const std::string& name) const { return path_ + "/" + name; }

    // A readable descriptor of it.
    int fd() const { return fd_.get(); }

    void write(const std::string& name, const std::string& contents) const;
    std::string read(const std::string& name) const;
    // The names in it, sorted, without "." and "..".
    std::vector<std::string> names() const;

private:
    std::string path_;
    UniqueFd fd_;
};

} // namespace ftpc::test
