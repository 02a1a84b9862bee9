// The raw limits of this machine that a server's figures stand beside: the same work without a server.
#pragma once

#include "benchmark/ftp_session.hpp"
#include "shared/crypto/scrypt.hpp"

#include <cstdint>
#include <string>

#include <boost/json.hpp>

namespace ftpc::benchmark {

enum class DirectoryCalls {
    mkdirat,         // in a directory that is open
    openat2_mkdirat, // openat2 of the parent beneath an open directory, mkdirat, close
    mkdirat_fsync,   // mkdirat, fsync of the parent
};

struct DirectoryLimit {
    DirectoryCalls calls;
    std::string at; // an existing directory
    unsigned threads = 1;
    bool one_parent = false; // all in the same new directory, else each in one of its own
    double seconds = 1;
};

// {"made":…,"seconds":…,"per_second":…}
boost::json::object measure_directories(const DirectoryLimit& limit);

// `count` mkdirat in one directory, and what one of the first and of the last `part` of them takes, in
// microseconds:
// {"per_second":…,"first_us":…,"last_us":…}
boost::json::object measure_growth(const std::string& at, std::uint64_t count, std::uint64_t part);

// TLS 1.3 handshakes a second, with the client of the logins. The server does nothing else, in a process of
// its own.
boost::json::object measure_handshakes(const std::string& certificate_file, const std::string& key_file,
                                       unsigned at_once, double seconds);

// Messages of these sizes to and fro over loopback TCP, one read and one write each: {"per_second":…} round
// trips.
boost::json::object measure_ping_pong(std::size_t request_bytes, std::size_t reply_bytes, double seconds);

// One hash alone, and as many at the same time as there are cores: {"seconds":…,"seconds_on_all_cores":…} a
// hash.
boost::json::object measure_scrypt(ScryptCost cost, unsigned runs);

} // namespace ftpc::benchmark
