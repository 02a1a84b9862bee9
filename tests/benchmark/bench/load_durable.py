"""Directories that are on disk when they are acknowledged, on ext4 and XFS in a file. They compare ftpcd's group commit, ftpcd syncing each
parent, and bare mkdirat and fsync. Pure-FTPd runs on a file system that syncs each directory itself. Each round has a new one."""
import contextlib
import pathlib
import subprocess
import tempfile

from bench.packages import Unpacked
from bench.peers import PureFtpd
from bench.processes import until

MEGABYTES = 3000
SESSIONS = 64  # each with a parent of its own
LOADS = {"": {"sessions": SESSIONS, "own_parent": True}, "-waiting": {}, "-in-flight-64": {"in_flight": 64}}
SYNCED = {"ext4": "dirsync", "xfs": "wsync"}  # mount options: mkdir(2) returns when the directory is on disk
FSYNC_EACH = ("--sync-parents", "4096")  # the most that it takes


def run(bench):
    for kind in ("ext4", "xfs"):
        for number in range(bench.rounds):
            try:
                _round(bench, kind, number)
            except (OSError, RuntimeError, subprocess.SubprocessError) as failure:
                said = getattr(failure, "stderr", None) or failure
                bench.note(f"durable mode on {kind}: {said}")
                break


def _round(bench, kind, number):
    loads = [f"durable-{kind}{load}" for load in LOADS]
    if all(bench.results.has(load, "ftpcd", number) for load in loads):
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="ftpc-benchmark-") as directory:
        image = _make(bench, kind, pathlib.Path(directory))
        with _mounted(image) as tree:
            _measure(bench, kind, number, tree)
        with _mounted(image, SYNCED[kind]) as tree:
            _measure_synced_by_the_file_system(bench, kind, number, tree)


def _make(bench, kind, directory):
    image = directory / "image"
    directory.chmod(0o755)
    with open(image, "wb") as file:
        file.truncate(MEGABYTES * 1024 * 1024)
    program = f"mkfs.{kind}"
    environment = None
    if kind == "xfs":
        package = Unpacked(bench.cache, "xfsprogs")
        program, environment = package.file("sbin/mkfs.xfs"), package.environment
    subprocess.run([program, "-q", image], check=True, capture_output=True, text=True, env=environment)
    return image


@contextlib.contextmanager
def _mounted(image, *options):
    tree = image.with_name("tree")
    tree.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", ",".join(["loop", *options]), image, tree], check=True, capture_output=True, text=True)
    try:
        yield tree
    finally:  # files of a server's last processes are not free at once
        until(lambda: subprocess.run(["umount", tree], check=False, capture_output=True).returncode == 0,
              f"{tree} cannot be unmounted", 30)


def _measure(bench, kind, number, tree):
    name = f"durable-{kind}"
    (tree / "bare").mkdir()
    for who, flags in (("ftpcd", ()), ("ftpcd, each parent synced", FSYNC_EACH)):
        server = bench.start_ftpcd(f"{name}-{number}-{len(flags)}", durability="group", root=tree, flags=flags)
        try:
            for load, options in LOADS.items():
                if load == "" or not flags:
                    bench.measure(name + load, who, number, lambda options=options, load=load: bench.directories(
                        server, seconds=bench.seconds, prefix=f"d{load}{len(flags)}", **options))
        finally:
            server.stop()
    for threads in (1, SESSIONS):
        bench.measure(name, f"mkdirat and fsync, {threads} thread{'s' if threads > 1 else ''}", number, lambda threads=threads: {
            "value": bench.generator.limit("fsync", at=tree / "bare", threads=threads, seconds=bench.seconds)["per_second"]})


def _measure_synced_by_the_file_system(bench, kind, number, tree):
    name = f"durable-{kind}"
    server = PureFtpd(bench, f"pure-{name}-{number}", tree)
    try:
        bench.measure(name, f"Pure-FTPd on a mount with {SYNCED[kind]}", number, lambda: bench.directories(
            server, seconds=bench.seconds, prefix="pure", **LOADS[""]))
    finally:
        server.stop()
