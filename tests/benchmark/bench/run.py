"""scripts/benchmark: the loads, their order, and the use of the results."""
import argparse
import functools
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

from bench import (load_clients, load_directories, load_durable, load_idle, load_listings, load_logins, load_siblings,
                   load_time, load_users, peers, report, targets)
from bench.context import Bench
from bench.ftpcd import Other
from bench.place import Place
from bench.results import Results

ROOT = pathlib.Path(__file__).resolve().parents[3]


def _directories(loads):
    return functools.partial(load_directories.run, loads=loads)


def _listings(loads):
    return functools.partial(load_listings.run, loads=loads)


def _time(loads):
    return functools.partial(load_time.run, loads=loads)


LOADS = {
    "limits": load_directories.run_limits, "directories": _directories(load_directories.LOADS),
    "threads": _directories(load_directories.THREADS), "listings": _listings(load_listings.LOADS),
    "mkdir-beside-listing": load_listings.run_mkdir_beside_listing, "logins": load_logins.run,
    "time": _time(load_time.LOADS), "one": load_clients.run_one, "idle": load_idle.run, "users": load_users.run, "durable": load_durable.run,
    "siblings": load_siblings.run, "batch": load_clients.run_batch,
}
PARTS = {**{load: _directories([load]) for load in (*load_directories.LOADS, *load_directories.THREADS)},
         **{load: _listings([load]) for load in load_listings.LOADS}, **{load: _time([load]) for load in load_time.LOADS}}
PEERS = [kind.name.lower() for kind in peers.PEERS]


def _names(known):
    def parse(text):
        names = [name.lower() for name in text.split(",") if name]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(known)}")
        return names
    return parse


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark", description="Measures ftpcd beside other FTP servers on this machine, as root. Keeps nothing "
        "but build/release, build/benchmark and what --report names.")
    parser.add_argument("--loads", type=_names([*LOADS, *PARTS]), default=list(LOADS), metavar="A,B",
                        help=", ".join(LOADS) + " (all); parts of directories, threads, listings and time: " + ", ".join(PARTS))
    parser.add_argument("--peers", type=_names(PEERS), default=PEERS, metavar="A,B", help=", ".join(PEERS) + " (all)")
    parser.add_argument("--against", action="append", type=Other.parse, default=[], metavar="OTHER",
                        help="one more ftpcd beside this one: another build's directory, settings as busy-poll=0, or both "
                        "with a comma; any number of times")
    parser.add_argument("--rounds", type=int, help="rounds of each load, the servers in turn (5)")
    parser.add_argument("--seconds", type=float, help="how long each measurement lasts (1)")
    parser.add_argument("--quick", action="store_true", help="one round with small numbers: whether everything works")
    parser.add_argument("--results", type=pathlib.Path, help="the file for the results; what an interrupted run left in it "
                        "is not measured again (build/benchmark/TIME.json)")
    parser.add_argument("--report", nargs="?", const=ROOT / "docs", type=pathlib.Path, metavar="DOCS",
                        help="write the tables to docs/performance.md; with --loads= from a file of results alone")
    parser.add_argument("--build", type=pathlib.Path, help="a build directory; nothing is built then")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 1)
    options.results = options.results or ROOT / "build/benchmark" / time.strftime("%Y%m%d-%H%M%S.json")
    return options


def build(options):
    if options.build is None:
        options.build = ROOT / "build/release"
        subprocess.run([ROOT / "scripts/set-up", "test"], check=True)
        subprocess.run(["bash", "-c", '. "$1/scripts/lib.sh"; build_preset release -DFTPC_TESTS=ON', "bash", ROOT], check=True)
    options.build = options.build.resolve()


def measure(options, results):
    if os.geteuid() != 0:
        raise SystemExit("scripts/benchmark: needs root, to mount file systems and to start each server as it is meant to be")
    build(options)
    subprocess.run([ROOT / "scripts/system-users"], check=True)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cache = ROOT / "build/benchmark/packages"
    cache.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers and mounts go with this
    with Place() as place:
        bench = Bench(options, place, results, cache)
        for name in options.loads:
            print(f"{name} ({time.strftime('%H:%M:%S')})", flush=True)
            {**LOADS, **PARTS}[name](bench)


def show_goals(results):
    for line in targets.lines(results):
        if line.reached is not None:
            print(f"{'yes' if line.reached else 'NO':4} {line.what}: {line.bound}; {line.measured}")


def main(arguments):
    options = parse(arguments)
    results = Results(options.results)
    begin = time.monotonic()
    if options.loads:
        measure(options, results)
        print(f"results after {time.monotonic() - begin:.0f} s: {options.results}")
    print(report.beside_others(results))
    show_goals(results)
    if options.report:
        report.write(results, options.report)
        print(f"written: {options.report}/performance.md")
    return 0
