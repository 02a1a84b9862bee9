"""Directories that are on disk when they are acknowledged, on ext4 and XFS in a file: ftpcd's group commit, ftpcd syncing each
parent, and bare mkdirat and fsync, on a file system that is new in each round."""
import pathlib
import subprocess
import tempfile

from bench.context import rate
from bench.packages import Unpacked

MEGABYTES = 3000
SESSIONS = 64  # each with a parent of its own
LOADS = {"": {"sessions": SESSIONS, "own_parent": True}, "-waiting": {}, "-in-flight-64": {"in_flight": 64}}
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
        tree = _mount(bench, kind, pathlib.Path(directory), number)
        try:
            _measure(bench, kind, number, tree)
        finally:
            subprocess.run(["umount", tree], check=True, capture_output=True, text=True)


def _mount(bench, kind, directory, number):
    image = directory / "image"
    tree = directory / "tree"
    tree.mkdir()
    directory.chmod(0o755)
    with open(image, "wb") as file:
        file.truncate(MEGABYTES * 1024 * 1024)
    program = f"mkfs.{kind}"
    environment = None
    if kind == "xfs":
        package = Unpacked(bench.cache, "xfsprogs")
        program, environment = package.file("sbin/mkfs.xfs"), package.environment
    subprocess.run([program, "-q", image], check=True, capture_output=True, text=True, env=environment)
    subprocess.run(["mount", "-o", "loop", image, tree], check=True, capture_output=True, text=True)
    return tree


def _measure(bench, kind, number, tree):
    name = f"durable-{kind}"
    (tree / "bare").mkdir()
    for who, flags in (("ftpcd", ()), ("ftpcd, each parent synced", FSYNC_EACH)):
        server = bench.start_ftpcd(f"{name}-{number}-{len(flags)}", durability="group", root=tree, flags=flags)
        try:
            for load, options in LOADS.items():
                if load == "" or not flags:
                    bench.measure(name + load, who, number, lambda options=options, load=load: rate(
                        bench.generator.load("directories", server, seconds=bench.seconds,
                                             prefix=f"d{load}{len(flags)}", **options)))
        finally:
            server.stop()
    for threads in (1, SESSIONS):
        bench.measure(name, f"mkdirat and fsync, {threads} thread{'s' if threads > 1 else ''}", number, lambda threads=threads: {
            "value": bench.generator.limit("fsync", at=tree / "bare", threads=threads, seconds=bench.seconds)["per_second"]})
