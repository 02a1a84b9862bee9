"""Everything at once: users make directories while processes are killed, unauthenticated clients flood, users change and a file system hangs.

Nothing acknowledged may be missing, nobody may wait longer than the bound of each event, and descriptors and memory return
to where they began. FTPC_SOAK_SECONDS: how long (30); scripts/soak runs it for ten minutes.
"""
import collections
import contextlib
import os
import random
import signal
import threading
import time
import unittest

from harness import IS_ROOT, EndToEndTest, Server, directories_in, resident_bytes, scaled, stop_cleanly, tree_owner, until
from control_client import Control, connect, logged_in
from ftpc_client import FtpcUser
from hanging_file_system import HangingFileSystem

SECONDS = float(os.environ.get("FTPC_SOAK_SECONDS", "30"))
IS_SOAK = SECONDS > 60
SEED = int(os.environ.get("FTPC_SOAK_SEED", "1"))
BATCH = 20
PAUSE = 0.1  # seconds between the batches of a session: a soak's directories have to be removed again
IDLE_TIMEOUT = 20                 # seconds; a session waits no longer for a file system that hangs
GROWTH_OF_MEMORY = 8 << 20        # bytes that an allocator may hold back
LOST = (OSError, AssertionError)  # the connection ended, in any state


class Maker(threading.Thread):
    """A user who makes directories in batches below `prefix`, and logs in again if the connection ends."""

    def __init__(self, soak, user, prefix):
        super().__init__(daemon=True)
        self._soak, self.user, self._prefix = soak, user, prefix
        self.waits_for_what_hangs = bool(prefix)
        self.acknowledged, self.unexpected = [], collections.Counter()
        self.batches = 0
        self.longest_wait = 0.0  # seconds between the ends of two batches
        self._served = time.monotonic()

    def run(self):
        while not self._soak.over.is_set():
            with contextlib.suppress(*LOST):
                with logged_in(self._soak.port, self.user, seconds=30) as control:
                    while not self._soak.over.is_set():
                        self._make(control)
                        self._soak.over.wait(PAUSE)
            self._soak.over.wait(0.01)

    def _make(self, control):
        parent = f"{self._prefix}{time.monotonic_ns()}"
        paths = [parent, *(f"{parent}/{number}" for number in range(BATCH))]
        control.send_bytes(b"".join(f"MKD {path}\r\n".encode() for path in paths))
        for path in paths:
            reply = control.reply()
            if reply.code == 257:
                self.acknowledged.append(path)
            elif reply.code in (0, 421):
                raise AssertionError("the connection ended")
            else:
                self.unexpected[reply] += 1
        now = time.monotonic()
        self.longest_wait, self._served = max(self.longest_wait, now - self._served), now
        self.batches += 1


class Soak(EndToEndTest):
    """Its events are the methods whose names begin with `event_`; those with `kill` in their names end processes."""

    def setUp(self):
        self.site = self.make_site(("alice", "bob", "carol", "dave", "erin"), idle_timeout=IDLE_TIMEOUT,
                                   max_unauthenticated=200, max_connections=1000)
        self.server = Server(self.site)
        self.addCleanup(lambda: stop_cleanly(self.server))
        self.port = self.server.port
        self.site.configure(listen=f"127.0.0.1:{self.port}")
        self.random = random.Random(SEED)
        self.waits = collections.defaultdict(list)  # seconds that somebody waited at most, by event
        self.hanging = self.mount_what_hangs()
        self.keyed = FtpcUser(self.make_directory())
        self.assertEqual(self.keyed.log_in(self.server, user="bob").returncode, 0)
        self.ended = []  # makers
        self.start_makers()

    def start_makers(self):
        self.over = threading.Event()
        self.makers = [Maker(self, "alice", ""), Maker(self, "alice", ""), Maker(self, "bob", "")]
        self.patient = [Maker(self, "carol", "mnt/")] if self.hanging else []
        for maker in self.makers + self.patient:
            maker.start()

    def end_makers(self):
        self.over.set()
        for maker in self.makers + self.patient:
            maker.join(scaled(60))
            self.ended.append(maker)

    def mount_what_hangs(self):
        """Part of carol's home is on a file system that hangs now and then; none if this machine cannot mount one."""
        if not IS_ROOT or not os.path.exists("/dev/fuse"):
            return None
        place = self.site.root / "carol/mnt"
        place.mkdir()
        os.chown(place, *tree_owner())
        try:
            mounted = HangingFileSystem(place, tree_owner())
        except unittest.SkipTest as why:
            print(f"{why}; the soak goes on without it", flush=True)
            return None
        self.addCleanup(mounted.unmount)
        return mounted

    def test_it(self):
        killing = [name for name in dir(self) if name.startswith("event_")]
        gentle = [name for name in killing if "kill" not in name]
        began = time.monotonic()
        while time.monotonic() < began + SECONDS * 2 / 3:
            self.let_everything_happen(killing)
        self.let_everything_happen(gentle)  # so that the first flood is not measured
        self.end_makers()
        early = self.measure_least()
        self.start_makers()
        while time.monotonic() < began + SECONDS:
            self.let_everything_happen(gentle)
        self.end_makers()
        late = self.measure_when_idle(early)
        self.report(early, late)
        self.assert_nothing_is_lost()
        self.assertEqual(self.keyed.ftpc("mkdir", "with-the-key-from-before").returncode, 0)
        self.assertEqual(self.grown(early, late), [], f"{early} {late}")
        for name, seconds in self.waits.items():
            self.assertLess(max(seconds), scaled(self.bound_of(name)), name)
        for maker in self.patient:  # it is told so after its idle-timeout, and the file system hangs a little longer
            self.assertLess(maker.longest_wait, scaled(2 * IDLE_TIMEOUT + 30))

    def bound_of(self, event):
        """Seconds that a user waits: a killed process is back within one, a server after its start; then log-in and a batch.

        Beside other tests a short run allows for a busy machine.
        """
        if not IS_SOAK:
            return 10
        return 3 if event == "event_kill_supervisor" else 2

    # ---- events

    def let_everything_happen(self, names):
        for name in self.random.sample(names, len(names)):
            for maker in self.makers:
                maker.longest_wait = 0.0
            getattr(self, name)()
            batches = [maker.batches for maker in self.makers]
            until(lambda: all(maker.batches > before for maker, before in zip(self.makers, batches)), f"served after {name}", 30)
            self.waits[name].append(max(maker.longest_wait for maker in self.makers))

    def kill_child(self, name):
        victim = until(lambda: self.server.child(name), f"there is {name}")
        before = self.descriptors(self.server.pid)
        os.kill(victim, signal.SIGKILL)
        until(lambda: self.server.child(name) not in (None, victim), f"another {name}", 30)
        until(lambda: self.descriptors(self.server.pid) <= before, "the supervisor holds nothing of the dead one", 30)

    def event_kill_net(self):
        self.kill_child("net")

    def event_kill_auth(self):
        self.kill_child("auth")

    def event_kill_net_while_a_file_system_hangs(self):
        with self.hang():
            self.kill_child("net")

    def event_kill_supervisor(self):
        self.server.process.kill()
        self.server.process.wait(scaled(10))
        self.server = Server(self.site)

    def event_kill_by_restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.server = Server(self.site)

    def event_reload(self):
        before = self.server.hang_up()
        self.server.log.wait_for("event=reloaded", before)

    def event_bulk_change_of_users(self):
        sessions = [logged_in(self.port, "dave") for _ in range(50 if IS_SOAK else 20)]
        for limit in ("100", "200", "none"):
            self.assertEqual(self.site.ftpcd("user", "quota", "dave", limit).returncode, 0, limit)
        for session in sessions:
            self.assertEqual(session.code("NOOP"), 200)
        self.assertEqual(self.site.ftpcd("user", "lock", "dave").returncode, 0)
        for session in sessions:
            self.assertEqual(session.reply().code, 421)
            session.close()
        self.assertEqual(self.site.ftpcd("user", "unlock", "dave").returncode, 0)

    def event_file_system_hangs(self):
        with self.hang():
            self.over.wait(self.random.choice((0.2, 1, 5, IDLE_TIMEOUT + 2)) if IS_SOAK else 0.2)

    def event_unauthenticated_clients_flood(self):
        """Guesses whose senders do not wait, and connections that say nothing."""
        silent = []
        for number in range(300):
            source = f"127.{self.random.randrange(10, 200)}.{self.random.randrange(250)}.{number % 250 + 1}"
            with contextlib.suppress(*LOST):
                control = connect(self.port, source=source) if number % 2 else Control(self.port, source=source)
                if number % 2:
                    control.send_bytes(b"USER alice\r\nPASS guess\r\n")
                    control.close()
                else:
                    silent.append(control)
        for control in silent:
            control.close()

    def event_deep_paths(self):
        """The deepest paths that there may be, from many sessions of one user at once."""
        sessions = [logged_in(self.port, "erin") for _ in range(20)]
        for number, session in enumerate(sessions):
            session.send("SITE MKDIR " + "/".join([f"{time.monotonic_ns()}-{number}"] + ["d"] * 63))
        for session in sessions:
            self.assertEqual(session.reply().code, 257)
            session.close()

    @contextlib.contextmanager
    def hang(self):
        if not self.hanging:
            yield
            return
        before = self.hanging.asked()
        self.hanging.hang()
        try:
            self.hanging.wait_until_asked(before + 1, 30)
            yield
        finally:
            self.hanging.go_on()

    # ---- the state at the end

    def processes(self):
        return {"supervisor": self.server.pid, "auth": self.server.child("auth"), "net": self.server.child("net")}

    @staticmethod
    def descriptors(pid):
        return len(os.listdir(f"/proc/{pid}/fd"))

    def measure(self):
        counts = {}
        for name, pid in self.processes().items():
            counts[f"descriptors of {name}"] = self.descriptors(pid)
            counts[f"memory of {name}"] = resident_bytes(pid)
        return counts

    def measure_least(self, seconds=3):
        """The least of each figure: the rest of the last event goes within these seconds."""
        measured = [self.measure()]
        deadline = time.monotonic() + scaled(seconds)
        while time.monotonic() < deadline:
            time.sleep(0.1)
            measured.append(self.measure())
        return {name: min(each[name] for each in measured) for name in measured[0]}

    def measure_when_idle(self, early):
        """When closed connections are gone for the server, too."""
        deadline = time.monotonic() + scaled(10)
        while self.grown(early, self.measure()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.measure()

    @staticmethod
    def grown(early, late):
        return [name for name, count in late.items()
                if count > early[name] + (GROWTH_OF_MEMORY if name.startswith("memory") else 0)]

    def assert_nothing_is_lost(self):
        for maker in self.ended:
            there = directories_in(self.site.root / maker.user)
            self.assertEqual([path for path in maker.acknowledged if path not in there][:10], [], maker.user)
            if not maker.waits_for_what_hangs:
                self.assertEqual(dict(maker.unexpected), {})

    def report(self, early, late):
        made = sum(len(maker.acknowledged) for maker in self.ended)
        print(f"{made} directories acknowledged; before the last third {early}, at the end {late}")
        for name, seconds in sorted(self.waits.items()):
            print(f"  {name.removeprefix('event_'):45} {len(seconds):4} times, {max(seconds):.2f} s waited at most", flush=True)


if __name__ == "__main__":
    unittest.main()
