#include "server/listing/directory_reader.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace ftpc::server {

DirectoryReader::DirectoryReader(UniqueFd directory)
    : fd_{std::move(directory)}, buffer_{new char[buffer_bytes]} // not filled with zeros first
{}

Result<const dirent64*> DirectoryReader::next()
{
    while (true) {
        if (place_ == filled_) {
            const ssize_t size = ::getdents64(fd_.get(), buffer_.get(), buffer_bytes);
            if (size < 0) return last_system_error();
            if (size == 0) return nullptr;
            filled_ = static_cast<std::size_t>(size);
            place_ = 0;
        }
        const auto* const entry = reinterpret_cast<const dirent64*>(buffer_.get() + place_);
        place_ += entry->d_reclen;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return entry;
    }
}

error_code DirectoryReader::close()
{
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return last_system_error();
    device_ = status.st_dev;
    inode_ = status.st_ino;
    position_ = ::lseek(fd_.get(), 0, SEEK_CUR);
    if (position_ < 0) return last_system_error();
    fd_ = {};
    return {};
}

error_code DirectoryReader::reopen(UniqueFd directory)
{
    struct stat status {};
    if (::fstat(directory.get(), &status) != 0) return last_system_error();
    if (status.st_dev != device_ || status.st_ino != inode_)
        return {EAGAIN, boost::system::system_category()};
    if (::lseek(directory.get(), position_, SEEK_SET) < 0) return last_system_error();
    fd_ = std::move(directory);
    return {};
}

} // namespace ftpc::server
