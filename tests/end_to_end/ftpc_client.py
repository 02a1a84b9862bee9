"""ftpc as a user of it has it: with a home of its own, and, if a test wants one, at a terminal."""
import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time

from harness import FTPC, PASSWORD, SCALE, run, scaled


class FtpcUser:
    """Somebody with nothing but an empty home directory."""

    def __init__(self, home):
        self.home = home
        self.environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        # The sanitizers' options from outside hold for ftpc as well.
        self.environment.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")})

    @property
    def state(self):
        return self.home / ".local/state/ftpc"

    def ftpc(self, *arguments, **options):
        return run(FTPC, *arguments, env=self.environment, **options)

    def log_in(self, server, *flags, user="alice", password=PASSWORD, trust=("--accept-new",)):
        return self.ftpc("login", f"{user}@{server.address}", "--password-stdin", *trust, *flags, input=password + "\n")


class Terminal:
    """A program at a pseudo-terminal that the test types into."""

    def __init__(self, *command, env=None):
        self._master, self.line = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(command, stdin=self.line, stdout=self.line, stderr=self.line, env=env,
                                        start_new_session=True, preexec_fn=self._make_controlling)

    @staticmethod
    def _make_controlling():
        # In the child, between fork and exec.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)
        os.close(self.line)

    def echoes(self):
        return bool(termios.tcgetattr(self.line)[3] & termios.ECHO)

    def type(self, text):
        os.write(self._master, text.encode())

    def wait_for(self, text, seconds=15.0):
        """Reads the program's output until `text` is in it."""
        deadline = time.monotonic() + scaled(seconds)
        while text not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._master], [], [], left)[0]:
                raise AssertionError(f"'{text}' is not shown within {seconds} s (times {SCALE:g}): {self.seen!r}")
            self.seen += os.read(self._master, 4096).decode(errors="replace")

    def wait(self, seconds=15.0):
        """The exit status, as subprocess has it; everything shown is in `seen`."""
        status = self.process.wait(scaled(seconds))
        while select.select([self._master], [], [], 0)[0]:
            self.seen += os.read(self._master, 4096).decode(errors="replace")
        return status
