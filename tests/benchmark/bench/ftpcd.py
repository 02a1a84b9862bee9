"""ftpcd as it is, with its lockdown, limits and audit trail; only work that a load does not measure is made cheap."""
import argparse
import dataclasses
import pathlib
import re
import signal
import subprocess

from bench.processes import Daemon, until
from bench.server import PASSWORD, USER, Server

CHEAP_HASH = "ln=10,r=8,p=1"
DEFAULT_HASH = "ln=15,r=8,p=3"


@dataclasses.dataclass
class Other:
    """One more ftpcd to compare with: "DIRECTORY" of another build, "SETTING=VALUE,…" for this one, or both with a comma."""

    name: str
    program: pathlib.Path | None
    durability: str
    flags: list

    @staticmethod
    def parse(text):
        words = text.split(",")
        builds = [word for word in words if "=" not in word]
        settings = dict(word.split("=", 1) for word in words if "=" in word)
        program = pathlib.Path(builds[0]).resolve() / "bin/ftpcd" if builds else None
        if len(builds) > 1 or (program and not program.exists()):
            raise argparse.ArgumentTypeError(f"{text}: not a build directory with bin/ftpcd, and settings of it")
        durability = settings.pop("durability", "none")
        return Other(text, program, durability, [f"--{name}={value}" for name, value in settings.items()])


# The limits are on, but everything here comes from one address and one user.
MANY_FROM_ONE_ADDRESS = ("--max-connections", "20000", "--max-connections-per-address", "20000", "--max-sessions-per-user", "20000")
MANY_TRANSFERS = {"max-transfers": 64, "max-transfers-per-user": 64}


def _many_transfers(program):
    """The limits on transfers, as flags. An older build that this one is compared with does not have them."""
    known = subprocess.run([program, "serve", "--help"], check=True, capture_output=True, text=True).stdout
    return [f"--{name}={most}" for name, most in MANY_TRANSFERS.items() if re.search(rf"--{name}\b(?!-)", known)]


class Ftpcd(Server):
    name = "ftpcd"
    login = "session-key"
    makes_paths = True

    def __init__(self, bench, name="ftpcd", scrypt=CHEAP_HASH, durability="none", root=None, users=None, flags=(),
                 program=None):
        """`users`: a users.db to begin with; else it gets the one user. `root`: the tree; else a new one on tmpfs."""
        self.program = program or bench.ftpcd
        self.data = bench.place.path(f"{name}-data")
        home = bench.place.home(f"{name}-root/{USER}", root)
        self.settings = ["--data", self.data, "--root", home.parent, "--scrypt", scrypt]
        if users is None:
            self.user_add(USER)
        else:
            users(self)
        wanted = ["--listen", "127.0.0.1:0", "--durability", durability, *flags, *MANY_FROM_ONE_ADDRESS,
                  *_many_transfers(self.program)]
        daemon = Daemon(bench.place.log(name), [self.program, "serve", *self.settings, *wanted])
        super().__init__(daemon, 0, home, bench.ftpcd_version())
        try:
            self.port = until(self._listening, "ftpcd does not listen", 60)
        except BaseException:
            daemon.stop()
            raise

    def _listening(self):
        self.daemon.check()
        match = re.search(r"listening on 127\.0\.0\.1:(\d+)", self.daemon.log())
        return match and int(match[1])

    def user_add(self, name):
        subprocess.run([self.program, "user", "add", name, "--password-stdin", *self.settings], check=True,
                       input=PASSWORD + "\n", text=True, capture_output=True)

    def reload_with(self, users_db_line):
        """Adds a line to users.db and sends SIGHUP; returns when the users have been read."""
        reads = self.daemon.log().count("event=users-read")
        with open(self.data / "users.db", "a", encoding="utf-8") as file:
            file.write(users_db_line)
        self.daemon.signal(signal.SIGHUP)
        until(lambda: self.daemon.log().count("event=users-read") > reads, "users-read in the log", 60)

    @property
    def certificate(self):
        return self.data / "tls/certificate.pem"

    @property
    def key(self):
        return self.data / "tls/key.pem"
