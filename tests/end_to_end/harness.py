"""Shared by the end-to-end tests: a server of one's own, the programs, and waiting for events.

Every limit of time is for a release build; FTPC_TEST_SCALE stretches it for the slower ones.
"""
import contextlib
import fcntl
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("FTPC_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
FTPCD = os.environ.get("FTPCD", str(SOURCE / "build/release/bin/ftpcd"))
FTPC = os.environ.get("FTPC", str(SOURCE / "build/release/bin/ftpc"))
HAS_IPV6 = pathlib.Path("/proc/net/if_inet6").exists() and "0" * 31 + "1" in pathlib.Path("/proc/net/if_inet6").read_text(encoding="ascii")
SCALE = float(os.environ.get("FTPC_TEST_SCALE", "1"))
SANITIZED = SCALE >= 5  # as tests/CMakeLists.txt has it
TIMING = os.environ.get("FTPC_TIMING", "with")  # or "without" or "only": whether tests that bound real time run
IS_ROOT = os.geteuid() == 0
# Servers have their sockets for the administrator here.
RUNTIME = pathlib.Path("/run/ftpcd" if IS_ROOT else f"/run/user/{os.geteuid()}/ftpcd")
if not IS_ROOT and not RUNTIME.parent.exists():
    RUNTIME = pathlib.Path(f"/tmp/ftpcd-{os.geteuid()}")
PASSWORD = "correct horse battery staple"


def scaled(seconds):
    return seconds * SCALE


def until(condition, what, seconds=10.0):
    """Waits for `condition` and returns its result; fails the test after `seconds` (scaled)."""
    deadline = time.monotonic() + scaled(seconds)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s (times {SCALE:g}): {what}")
        time.sleep(0.005)


def run(program, *arguments, input=None, seconds=30.0, **options):
    """Runs a program to its end, with its output as text; undecodable bytes are kept as surrogates."""
    if isinstance(input, str):
        input = input.encode(errors="surrogateescape")
    if input is None:
        options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([program, *arguments], input=input, capture_output=True, timeout=scaled(seconds), **options)
    done.stdout = done.stdout.decode(errors="surrogateescape")
    done.stderr = done.stderr.decode(errors="surrogateescape")
    return done


def make_system_users():
    """As root the server changes to two system users; the install step makes them, and so does this."""
    script = SOURCE / "scripts/system-users"
    with open(script, encoding="utf-8") as lock:  # several tests may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([script], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def tree_owner():
    """User and group that the tree belongs to."""
    if not IS_ROOT:
        return os.geteuid(), os.getegid()
    entry = pwd.getpwnam("ftpcd")
    return entry.pw_uid, entry.pw_gid


def is_alive(pid):
    with contextlib.suppress(OSError):
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return stat.rpartition(")")[2].split()[0] not in "ZX"
    return False


def children_of(parent):
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if int((entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == parent:
                title = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
                found[title] = int(entry.name)
    return found


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    """The memory of a process. 0 with a sanitizer, which keeps freed memory."""
    if SANITIZED:
        return 0
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Log:
    """The standard error of a process, read as it comes."""

    def __init__(self, stream):
        self._stream = stream
        self._parts = []  # joined when somebody looks: a log of much load has a hundred thousand lines
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._stream:
            with self._news:
                self._parts.append(line.decode(errors="replace"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
        self._stream.close()

    @property
    def text(self):
        with self._news:
            return self._whole()

    def _whole(self):
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def wait_for(self, pattern, after=0, seconds=10.0):
        """The first match of `pattern` behind the first `after` characters."""
        def there():
            return re.compile(pattern, re.MULTILINE).search(self._whole(), after)
        with self._news:
            self._news.wait_for(lambda: there() or self._ended, scaled(seconds))
            match = there()
            if match is None:
                raise AssertionError(f"the log does not say /{pattern}/ within {seconds} s (times {SCALE:g}):\n{self._whole()}")
            return match


class Site:
    """A directory of its own with everything that a server needs: DATA, the tree, and a settings file.

    Unless a test says otherwise hashing is cheap, and no failed login is one too many: that is not what most tests are
    about. None for a setting is its default.
    """

    def __init__(self, **settings):
        if IS_ROOT:
            make_system_users()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ftpcd-test-"))
        self.directory.chmod(0o755)  # the system users must get to the tree
        self.config = self.directory / "ftpcd.conf"
        self.settings = {"data": self.directory / "data", "listen": "127.0.0.1:0", "scrypt": "ln=10,r=8,p=1",
                         "login-limit-address": 0, "login-limit-account": 0}
        self.configure(**settings)

    def configure(self, **settings):
        """Writes the settings file anew; None takes a setting out. `_` in a name stands for `-`."""
        for name, value in settings.items():
            name = name.replace("_", "-")
            self.settings.pop(name, None)
            if value is not None:
                self.settings[name] = value
        self.data = pathlib.Path(self.settings["data"])
        self.root = pathlib.Path(self.settings.get("root", self.data / "root"))
        text = "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        self.config.write_text(text, encoding="utf-8")

    def ftpcd(self, *arguments, **options):
        return run(FTPCD, *arguments, "--config", str(self.config), **options)

    def add_user(self, name, password=PASSWORD):
        done = self.ftpcd("user", "add", name, "--password-stdin", input=password + "\n")
        # A server of another test may be too busy to say whether it has this data open. The user is added all the same.
        in_doubt = "does not say whether it has this directory open" in done.stderr
        if done.returncode != 0 and not in_doubt:
            raise AssertionError(f"ftpcd user add {name}: {done.stderr}")

    @property
    def users_db(self):
        return self.data / "users.db"

    @property
    def certificate(self):
        return self.data / "tls/certificate.pem"

    def fingerprint(self):
        return self.ftpcd("fingerprint").stdout.strip()

    def remove(self):
        shutil.rmtree(self.directory)


class Server:
    """A running `ftpcd serve` on loopback. `wrapper`: the words of a program that executes it."""

    def __init__(self, site, *flags, wrapper=(), **options):
        self.site = site
        self.process = subprocess.Popen([*wrapper, FTPCD, "serve", "--config", str(site.config), *flags],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        self.log = Log(self.process.stderr)
        self.address = self.log.wait_for(r"listening on (\S+:\d+)", seconds=30)[1]
        self.port = int(self.address.rpartition(":")[2])
        self.log.wait_for(r"key fingerprint of the certificate SHA256:")

    @property
    def pid(self):
        return self.process.pid

    def child(self, name):
        """The process id of `auth` or `net`; None while it is not there."""
        return children_of(self.pid).get(f"ftpcd: {name}")

    def all_processes(self):
        return [self.pid, *children_of(self.pid).values()]

    def log_size(self):
        return len(self.log.text)

    def hang_up(self):
        """SIGHUP; returns the size of the log before, for Log.wait_for."""
        before = self.log_size()
        self.process.send_signal(signal.SIGHUP)
        return before

    @contextlib.contextmanager
    def paused(self):
        """The supervisor stands still meanwhile: it kills no child that does not end."""
        self.process.send_signal(signal.SIGSTOP)
        for path in RUNTIME.glob(f"{self.pid}-*.sock"):
            path.unlink()  # or no other server on this machine could be sure of its data; it comes back by itself
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def kill_everything(self):
        for pid in self.all_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(scaled(10))

    def stop(self):
        """SIGTERM; the exit status. Fails when a child is left."""
        children = list(children_of(self.pid).values())
        self.process.terminate()
        status = self.process.wait(scaled(15))
        left = [pid for pid in children if is_alive(pid)]
        if left:
            raise AssertionError(f"the server has ended but left its children {left}")
        return status


def stop_cleanly(server):
    """Every server that a test started must stop as it should, after any test."""
    if server.process.poll() is None:
        try:
            status = server.stop()
        finally:
            server.kill_everything()
        if status != 0:
            raise AssertionError(f"the server stopped with status {status}:\n{server.log.text}")
    if re.search(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer", server.log.text):
        raise AssertionError(server.log.text)


def make_site(add_cleanup, users=("alice",), **settings):
    site = Site(**settings)
    add_cleanup(site.remove)
    for name in users:
        site.add_user(name)
    return site


def start(add_cleanup, site, *flags, **options):
    server = Server(site, *flags, **options)
    add_cleanup(stop_cleanly, server)
    return server


def timing(test):
    """Marks a test, or each of a class, as one that bounds real time. CTest runs it alone, under the label `timing`."""
    test.bounds_time = True
    return test


class EndToEndTest(unittest.TestCase):
    """A test case that makes sites and servers; they are stopped and removed when it ends."""

    maxDiff = None
    bounds_time = False

    def run(self, result=None):
        result = result or self.defaultTestResult()
        bounds_time = self.bounds_time or getattr(getattr(self, self._testMethodName), "bounds_time", False)
        if bounds_time == {"without": True, "only": False}.get(TIMING):
            return result
        failures = len(result.failures) + len(result.errors)
        super().run(result)
        if bounds_time and len(result.failures) + len(result.errors) > failures:
            sys.stderr.write(f"{self.id()} bounds real time: it may have failed because the machine was busy "
                             f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors). Run it alone.\n")
        return result

    def make_site(self, users=("alice",), **settings):
        return make_site(self.addCleanup, users, **settings)

    def start(self, site, *flags, **options):
        return start(self.addCleanup, site, *flags, **options)

    def serve(self, users=("alice",), **settings):
        return self.start(self.make_site(users, **settings))

    def make_directory(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="ftpc-test-"))
        self.addCleanup(shutil.rmtree, directory)
        return directory

    def assert_one_line(self, text, *parts):
        self.assertEqual(text.count("\n"), 1, text)
        for part in parts:
            self.assertIn(part, text)


class SharedServerTest(EndToEndTest):
    """One server, `server`, for all tests of the class: for those that leave it as it was."""

    users = ("alice",)
    settings = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = start(cls.addClassCleanup, make_site(cls.addClassCleanup, cls.users, **cls.settings))


def directories_in(home):
    """Every directory below `home`, as relative paths with their exact names."""
    above = len(str(home)) + 1
    return {f"{where}/{name}"[above:] for where, names, _ in os.walk(home) for name in names}
