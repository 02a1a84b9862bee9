"""A server of a run: an address, a user, a home, a process."""
import time

from bench.place import empty
from bench.processes import cpu_seconds, proportional_bytes, until

USER = "bench"
PASSWORD = "benchmark-password"


class Server:
    """`login` is the generator's method if the login is not measured."""

    name = ""
    login = "password"
    makes_paths = False  # has SITE MKDIR

    def __init__(self, daemon, port, home, version):
        self.daemon = daemon
        self.port = port
        self.home = home
        self.version = version

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def clean_up(self):
        """After a measurement: a fresh tree, and no log that fills the memory."""
        empty(self.home)
        self.daemon.empty_log()

    def cpu_seconds(self):
        return cpu_seconds(self.daemon.pid)

    def wait_until_idle(self):
        """Until it has done the rest of an earlier load's work."""
        def is_idle():
            before = self.cpu_seconds()
            time.sleep(0.25)
            return self.cpu_seconds() - before < 0.02
        until(is_idle, f"{self.name} is not idle")

    def memory(self):
        return proportional_bytes(self.daemon.pid)

    def stop(self):
        self.daemon.stop()
