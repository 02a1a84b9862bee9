#include "server/listing/directory_reader.hpp"

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

} // namespace ftpc::server
