// The subcommands of ftpc. Each does its work, reports it on standard output and standard error, and returns
// the exit status.
#pragma once

#include "client/base/failure.hpp"
#include "client/commands/options.hpp"

namespace ftpc::client {

ExitStatus login(const LoginOptions& options);
ExitStatus mkdir(const MkdirOptions& options);
ExitStatus ls(const LsOptions& options);
ExitStatus tree(const TreeOptions& options);
ExitStatus logout(const PlainOptions& options);
ExitStatus status(const PlainOptions& options);

} // namespace ftpc::client
