"""Answers to questions for the time over UDP, beside chronyd: the processor time of the server for one. No clock is set."""
import contextlib
import os
import re
import time

from bench.context import SETTLING, order_with_cpu
from bench.packages import Unpacked
from bench.processes import Daemon, answers_ntp, cpu_seconds, descendants, free_udp_port, until

LOADS = {"ntp": 1, "ntp-16": 16, "time-text": 1, "time-text-16": 16}  # requests in flight

# -x keeps it from the clock. Its rate limits are off, as by default.
CHRONYD = """
local stratum 10
allow
bindaddress 127.0.0.1
port {port}
cmdport 0
user root
pidfile {place}/chronyd.pid
bindcmdaddress {place}/chronyd.sock
"""


class Chronyd:
    name = "chronyd"

    def __init__(self, bench):
        package = Unpacked(bench.cache, "chrony")
        self.port = free_udp_port()
        place = bench.place.path("chronyd")
        place.mkdir()
        settings = place / "chrony.conf"
        settings.write_text(CHRONYD.format(port=self.port, place=place), encoding="ascii")
        self.daemon = Daemon(bench.place.log("chronyd"), [package.file("usr/sbin/chronyd"), "-x", "-d", "-f", settings],
                             env=package.environment)
        self.version = package.version()
        until(lambda: self.daemon.check() or answers_ntp(self.port), "chronyd does not answer")

    def cpu_seconds(self):
        return cpu_seconds(self.daemon.pid)


def run(bench, loads=LOADS):
    ours = bench.start_ftpcd("ftpcd-time", flags=("--listen-ntp", "127.0.0.1:0", "--listen-time-text", "127.0.0.1:0",
                                                  "--time-source", "local"))
    with contextlib.ExitStack() as stack:
        stack.callback(ours.stop)
        chronyd = Chronyd(bench)
        stack.callback(chronyd.daemon.stop)
        bench.results.version(chronyd.name, chronyd.version)
        for server in (ours, chronyd):
            keep_on_one_processor(server.daemon.pid)
        for number in range(bench.rounds):
            for load in loads:
                measure(bench, load, "ftpcd", ours, address_of(ours, load), number)
                if load.startswith("ntp"):
                    measure(bench, load, "chronyd", chronyd, f"127.0.0.1:{chronyd.port}", number)


def keep_on_one_processor(pid):
    """The server and the generator. Waking up another processor of a virtual machine takes longer than all else here, and
    chance would decide how often it happens. A client on another machine is an interrupt on the server's processor."""
    one = {min(os.sched_getaffinity(0))}
    for process in descendants(pid):
        os.sched_setaffinity(process, one)


def address_of(server, load):
    what = "NTP" if load.startswith("ntp") else "time as text"
    return re.search(rf"{what} on (\S+)", server.daemon.log())[1]


def measure(bench, load, who, server, address, number):
    def ask():
        generator = bench.generator.time(load.removesuffix("-16"), address, in_flight=LOADS[load], seconds=bench.seconds)
        with contextlib.closing(generator) as asker:
            keep_on_one_processor(asker.pid)
            time.sleep(SETTLING)
            return order_with_cpu(server, asker, "begin", counted="answers")
    bench.measure(load, who, number, ask)
