"""Clients that make directories, each as its users would for a batch."""
import os

from bench.processes import time_of
from bench.server import PASSWORD, USER


class Ftpc:
    """Logged in once, as its users are."""

    name = "ftpc"

    def __init__(self, bench, port):
        self._program = bench.ftpc
        self._environment = {**os.environ, "XDG_STATE_HOME": str(bench.place.path(f"ftpc-{port}"))}
        time_of([self._program, "login", f"{USER}@127.0.0.1:{port}", "--password-stdin", "--accept-new"],
                PASSWORD + "\n", env=self._environment)

    def make(self, names):
        return time_of([self._program, "mkdir", "-0", "-"], "".join(f"{name}\0" for name in names),
                       env=self._environment)

    def make_one(self, name):
        return time_of([self._program, "mkdir", name], env=self._environment)


class Curl:
    name = "curl"

    def __init__(self, bench, port):
        self._command = ["curl", "-q", "--silent", "--show-error", "--cacert", bench.certificate, "--ssl-reqd", "--config", "-",
                         "--output", "/dev/null", "-I", f"ftp://127.0.0.1:{port}/"]

    def make(self, names):
        lines = [f'user = "{USER}:{PASSWORD}"', *(f'quote = "MKD {name}"' for name in names)]
        return time_of(self._command, "\n".join(lines) + "\n")

    def make_one(self, name):
        return self.make([name])


class Lftp:
    name = "lftp"

    def __init__(self, bench, port):
        self._begin = (f"set ssl:ca-file {bench.certificate}\nset ftp:ssl-force true\nset ftp:sync-mode off\n"
                       f"set cmd:fail-exit true\nopen -u {USER},{PASSWORD} ftp://127.0.0.1:{port}\n")

    def make(self, names):
        return time_of(["lftp", "--norc", "-f", "/dev/stdin"], self._begin + "mkdir " + " ".join(names) + "\nbye\n")


class Sftp:
    name = "sftp"

    def __init__(self, sshd, port):
        self._command = sshd.client(port)
        self._home = sshd.home

    def make(self, names):
        return time_of(self._command, "".join(f"mkdir {self._home}/{name}\n" for name in names))
