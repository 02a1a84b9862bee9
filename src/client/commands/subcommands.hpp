// The subcommands of ftpc. Each does its work, reports it on standard output and standard error, and returns
// the exit status.
#pragma once

#include "client/base/failure.hpp"
#include "client/clock/clock_setter.hpp"
#include "client/commands/options.hpp"

#include <memory>

namespace ftpc::client {

ExitStatus login(const LoginOptions& options);
ExitStatus mkdir(const MkdirOptions& options);
ExitStatus ls(const LsOptions& options);
ExitStatus tree(const TreeOptions& options);
ExitStatus logout(const PlainOptions& options);
ExitStatus status(const PlainOptions& options);
// `setter` is called for --set only.
ExitStatus time(const TimeOptions& options, std::unique_ptr<ClockSetter> (*setter)());

} // namespace ftpc::client
