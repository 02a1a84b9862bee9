"""Directories a second with different numbers of sessions and of commands in flight, every server in turn."""
import os

from bench.place import empty

LOADS = {
    "waiting": {},
    "in-flight-16": {"in_flight": 16},
    "in-flight-64": {"in_flight": 64},
    "sessions-16": {"sessions": 16},
    "sessions-64": {"sessions": 64},
    "sessions-16x16": {"sessions": 16, "in_flight": 16},
    "sessions-16x16-own": {"sessions": 16, "in_flight": 16, "own_parent": True},
    "sessions-200": {"sessions": 200},
    "mkdir-p": {},
}
# The same with a second generator: each session in a thread of its own.
THREADS = {f"threads-{load}": {**LOADS[load], "thread_per_session": True}
           for load in ("waiting", "in-flight-64", "sessions-16", "sessions-64")}
DEPTH = 10


def run(bench, loads):
    for load in loads:
        options = {**LOADS, **THREADS}[load]
        measure = _paths if load == "mkdir-p" else _directories
        for number in range(bench.rounds):
            shift = number % len(bench.servers)
            for server in bench.servers[shift:] + bench.servers[:shift]:
                bench.measure(load, server.name, number, lambda server=server: measure(bench, server, **options))
                server.clean_up()


def _directories(bench, server, **options):
    return bench.directories(server, seconds=bench.seconds, **options)


def _paths(bench, server):
    """Whole paths a second, one after the other: one SITE MKDIR, or ten MKDs at once."""
    if server.makes_paths:
        return _directories(bench, server, depth=DEPTH, site_mkdir=True)
    values = _directories(bench, server, depth=DEPTH, in_flight=DEPTH)
    return {**values, "value": values["value"] / DEPTH, "server_cpu_us": values["server_cpu_us"] * DEPTH}


# A MKD and its reply in TLS 1.3 records, as the generator sends them: bytes with 1 and with 64 in flight.
PING_PONG = {"limit-ping-pong": (36, 53), "limit-ping-pong-64": (64 * 14 + 22, 64 * 31 + 22)}


def run_limits(bench):
    at = bench.place.home("limits/work")
    for number in range(bench.rounds):
        for kind in ("mkdirat", "openat2"):
            bench.measure(f"limit-{kind}", "machine", number, lambda kind=kind: {
                "value": bench.generator.limit(kind, at=at, seconds=bench.seconds)["per_second"]})
            empty(at)
        bench.measure("limit-mkdirat-shared", "machine", number, lambda: {
            "value": bench.generator.limit("mkdirat", at=at, seconds=bench.seconds, one_parent=True,
                                           threads=os.cpu_count())["per_second"]})
        empty(at)
        for load, (request, reply) in PING_PONG.items():
            bench.measure(load, "machine", number, lambda request=request, reply=reply: {
                "value": bench.generator.limit("ping-pong", request_bytes=request, reply_bytes=reply,
                                               seconds=bench.seconds / 2)["per_second"]})
