#include "support/temporary_directory.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

namespace ftpc::test {

TemporaryDirectory::TemporaryDirectory()
{
    path_ = (std::filesystem::temp_directory_path() / "ftpc-test-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error{errno, std::system_category(), path_};
    fd_ = UniqueFd{::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd_) throw std::system_error{errno, std::system_category(), path_};
}

TemporaryDirectory::~TemporaryDirectory()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void TemporaryDirectory::write(const std::string& name, const std::string& contents) const
{
    std::ofstream file{path(name), std::ios::binary | std::ios::trunc};
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file << contents << std::flush;
}

std::string TemporaryDirectory::read(const std::string& name) const
{
    std::ifstream file{path(name), std::ios::binary};
    if (!file) throw std::system_error{errno, std::system_category(), path(name)};
    std::ostringstream contents;
    contents << file.rdbuf();
    return contents.str();
}

std::vector<std::string> TemporaryDirectory::names() const
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{path_})
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace ftpc::test
