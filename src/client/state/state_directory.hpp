// The directory in which ftpc remembers servers and logins between two runs.
#pragma once

#include "client/base/failure.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace ftpc::client {

class StateDirectory {
public:
    explicit StateDirectory(std::string path) : path_{std::move(path)} {}

    // $XDG_STATE_HOME/ftpc, or ~/.local/state/ftpc if that variable is not set to an absolute path. Fails
    // with ExitStatus::failed when there is no home directory either.
    static Outcome<StateDirectory> of_this_user();

    std::string path_of(std::string_view name) const { return path_ + "/" + std::string{name}; }

    // The same failure, with the name of the file in front.
    Failure in_file(const char* name, const Failure& failure) const;

    // A file's contents; empty where there is no such file or directory. Fails with ExitStatus::failed, and
    // says what to do, when others could read or change the file or the directory.
    Outcome<std::string> read(const char* name) const;

    // Gives the file's contents to `change` and replaces the whole file by the result. Makes the directory if
    // it is missing. If several programs do this at once, each sees the result of the one before it.
    Outcome<void> update(const char* name,
                         const std::function<Outcome<std::string>(std::string_view)>& change) const;

private:
    std::string path_;
};

} // namespace ftpc::client
