"""The shared parts of all loads of a run."""
import contextlib
import subprocess
import sys
import time

from bench import ftpcd, peers
from bench.generator import Generator


SETTLING = 0.05  # seconds, for the rest of the work after the last reply


class Bench:
    def __init__(self, options, place, results, cache):
        self.rounds = options.rounds
        self.seconds = options.seconds
        self.quick = options.quick
        self.place = place
        self.results = results
        self.cache = cache  # of unpacked packages
        self.ftpcd = options.build / "bin/ftpcd"
        self.ftpc = options.build / "bin/ftpc"
        self.generator = Generator(options.build / "tests/ftp_load")
        self._wanted_peers = options.peers
        self._against = options.against
        self._servers = None

    # ---- servers

    def ftpcd_version(self):
        return subprocess.run(["git", "describe", "--always", "--dirty"], check=False, capture_output=True, text=True,
                              cwd=self.ftpcd.parent).stdout.strip() or "unknown"

    def start_ftpcd(self, name, **options):
        """One more ftpcd; the caller stops it."""
        server = ftpcd.Ftpcd(self, name, **options)
        self.results.version("ftpcd", server.version)
        return server

    def _start_other_ftpcd(self, other):
        server = ftpcd.Ftpcd(self, f"other-{len(self._servers)}", program=other.program, durability=other.durability,
                             flags=other.flags)
        server.name = other.name
        self._keep(server)

    def _keep(self, server):
        self.place.at_end(server.stop)
        self._servers.append(server)

    @property
    def servers(self):
        """ftpcd, the others that it is compared with and all peers that start, running until the end."""
        if self._servers is None:
            self._servers = []
            self._keep(self.start_ftpcd("ftpcd"))
            for other in self._against:
                self._start_other_ftpcd(other)
            for kind in peers.PEERS:
                if kind.name.lower() in self._wanted_peers:
                    self._start_peer(kind)
        return self._servers

    def _start_peer(self, kind):
        try:
            server = peers.start(kind, self)
        except (RuntimeError, OSError, StopIteration, subprocess.SubprocessError) as failure:
            said = getattr(failure, "stderr", None) or failure
            self.note(f"{kind.name} did not start: {said}")
            return
        self._keep(server)
        self.results.version(kind.name, server.version)

    @property
    def first(self):
        return self.servers[0]

    # The same for every server, and made as ftpcd makes it: ECDSA P-256.
    @property
    def certificate(self):
        return self.first.certificate

    @property
    def key(self):
        return self.first.key

    def certificate_and_key(self):
        both = self.place.path("both.pem")
        both.write_text(self.key.read_text("ascii") + self.certificate.read_text("ascii"), encoding="ascii")
        both.chmod(0o644)  # of this run alone, and some servers read it as their own user
        return both

    # ---- measuring

    def directories(self, server, **options):
        """Directories a second, and the processor time that one takes the server when all sessions are logged in."""
        with contextlib.closing(self.generator.directories(server, **options)) as sessions:
            time.sleep(SETTLING)
            return order_with_cpu(server, sessions, "begin")

    def listings(self, server, **options):
        """The same for listings."""
        with contextlib.closing(self.generator.listings(server, **options)) as sessions:
            time.sleep(SETTLING)
            return order_with_cpu(server, sessions, "begin", counted="listed", also=("command", "listed", "bytes", "resumed"))

    def note(self, text):
        self.results.note(text)
        print(f"  ! {text}", file=sys.stderr, flush=True)

    def measure(self, load, who, number, function):
        """Adds the result of `function` to the results, unless an earlier run already did; a failure is a note."""
        if self.results.has(load, who, number):
            return
        begin = time.monotonic()
        try:
            values = function()
        except (RuntimeError, OSError, subprocess.SubprocessError) as failure:
            self.note(f"{load}, {who}: {failure}")
            return
        self.results.add(load, who, number, **values)
        shown = "  ".join(f"{name} {value:,.6g}" for name, value in values.items() if isinstance(value, (int, float)))
        print(f"  {load} · {who} · {number} ({time.monotonic() - begin:.1f} s): {shown}", flush=True)

    def all_rounds(self, loads, whos):
        """Whether an earlier run measured all of it."""
        return all(self.results.has(load, who, number)
                   for load in loads for who in whos for number in range(self.rounds))


def order_with_cpu(server, holder, *words, counted="made", also=()):
    """An order to sessions that are open already, and the CPU time of the server for each thing done in it. `counted`: the
    number of things in the generator's result. `also`: the parts of that result to keep as they are."""
    before = server.cpu_seconds()
    result = holder.order(*words)
    time.sleep(SETTLING)  # the last log lines belong to it
    cpu = server.cpu_seconds() - before
    made = max(1, result[counted])
    return {"value": result["per_second"], "p50_us": result["latency"]["p50_us"], "p99_us": result["latency"]["p99_us"],
            "generator_cpu_us": 1e6 * result["generator_cpu_seconds"] / made, "server_cpu_us": 1e6 * cpu / made,
            **{name: result[name] for name in also}}
