// The directory in which ftpc remembers servers and logins between two runs. It belongs to its user alone.
//
// Root may run with the HOME of a user (sudo, su -m). Then root reads and makes all files as the owner of the
// directory, so that the user can go on with them. If there is no directory yet, the nearest one above
// counts.
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

    // Makes the directory if it is missing, and fails where update() of the file would. To be called
    // before anything is asked that is to be kept there. A file that is there is written anew, as it is.
    Outcome<void> prepare(const char* name) const;

    // Gives the file's contents to `change` and replaces the whole file by the result. Makes the directory if
    // it is missing. If several programs do this at once, each sees the result of the one before it.
    Outcome<void> update(const char* name,
                         const std::function<Outcome<std::string>(std::string_view)>& change) const;

private:
    using Work = std::function<Outcome<void>(int directory, const std::string& contents)>;
    // Has `work` done under the lock, with the file's contents, which are wiped afterwards.
    Outcome<void> with_lock(const char* name, const Work& work) const;

    std::string path_;
};

} // namespace ftpc::client
