"""What every server of a run has: an address, a user, a home, a process."""
from bench.place import empty
from bench.processes import cpu_seconds, proportional_bytes

USER = "bench"
PASSWORD = "benchmark-password"


class Server:
    """`login` is how the generator logs in where it is not the login that is measured."""

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

    def memory(self):
        return proportional_bytes(self.daemon.pid)

    def stop(self):
        self.daemon.stop()
