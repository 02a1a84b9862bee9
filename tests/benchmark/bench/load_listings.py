"""Listings of directories over data connections, every server in turn, and MKDs of one session beside them."""
import os
import pwd

from bench.place import OWNER

LOADS = {
    "listing-0": (0, 1),  # entries, sessions
    "listing-0-sessions-16": (0, 16),
    "listing-100": (100, 1),
    "listing-100-sessions-16": (100, 16),
    "listing-100000": (100000, 1),
}
BESIDE = "mkdir-beside-listing"
MOST_ENTRIES = 1000000
LONG_ENOUGH = 5  # seconds, so that the listing is seen from its beginning to its end
LISTED = "listed"


def run(bench, loads):
    for load in loads:
        entries, sessions = LOADS[load]
        entries = min(entries, 5000) if bench.quick else entries
        if bench.all_rounds([load], [server.name for server in bench.servers]):
            continue
        for server in bench.servers:
            _make(server, entries)
        for number in range(bench.rounds):
            shift = number % len(bench.servers)
            for server in bench.servers[shift:] + bench.servers[:shift]:
                bench.measure(load, server.name, number, lambda server=server: {"entries": entries, **bench.listings(
                    server, path=LISTED, entries=entries, sessions=sessions, seconds=bench.seconds)})
                server.daemon.empty_log()
        for server in bench.servers:
            server.clean_up()


def run_mkdir_beside_listing(bench):
    entries = MOST_ENTRIES // (50 if bench.quick else 1)
    server = bench.first
    if bench.all_rounds([BESIDE], [server.name]):
        return
    _make(server, entries)
    for number in range(bench.rounds):
        bench.measure(BESIDE, server.name, number, lambda number=number: _mkdir_beside_listing(bench, server, entries, number))
        server.daemon.empty_log()
    server.clean_up()


def _mkdir_beside_listing(bench, server, entries, number):
    seconds = bench.seconds if bench.quick else max(bench.seconds, LONG_ENOUGH)
    result = bench.generator.load(BESIDE, server, path=LISTED, entries=entries, prefix=f"d{number}-", seconds=seconds)
    return {"value": result["per_second"], "entries": entries, "listings": result["listings"], **result["latency"]}


def _make(server, entries):
    """Right on the file system, as the server's user would have made them."""
    owner = pwd.getpwnam(OWNER)
    parent = f"{server.home}/{LISTED}"
    for path in (parent, *(f"{parent}/directory-{number:06}" for number in range(entries))):
        os.mkdir(path)
        os.chown(path, owner.pw_uid, owner.pw_gid)
