"""A directory of one's own for a run, with a tmpfs for the trees; everything in it goes when the run ends."""
import contextlib
import pathlib
import pwd
import shutil
import subprocess
import tempfile

OWNER = "ftpcd"  # the system user that every server makes its directories as


class Place:
    def __init__(self):
        self._stack = contextlib.ExitStack()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ftpc-benchmark-"))
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.directory.chmod(0o755)  # the system users must get to their trees
        self.trees = self.mount("trees", "-t", "tmpfs", "-o", "nr_inodes=0", "tmpfs")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def at_end(self, function, *arguments):
        self._stack.callback(function, *arguments)

    def path(self, name):
        return self.directory / name

    def log(self, name):
        """A file that costs no disk to write."""
        return self.trees / f"{name}.log"

    def with_user(self, name, line):
        """A copy of /etc/passwd with one user more."""
        copy = self.path(f"{name}-passwd")
        known = pathlib.Path("/etc/passwd").read_text(encoding="utf-8").splitlines()
        user = line.partition(":")[0] + ":"
        lines = [line, *(other for other in known if not other.startswith(user))]
        copy.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return copy

    def mount(self, name, *what):
        where = self.directory / name
        where.mkdir()
        subprocess.run(["mount", *what, where], check=True, capture_output=True)
        self._stack.callback(subprocess.run, ["umount", where], check=False)
        return where

    def home(self, name, below=None):
        """A new home directory for the server of that name."""
        home = (below or self.trees) / name
        home.mkdir(parents=True)
        entry = pwd.getpwnam(OWNER)
        for directory in (home, home.parent):
            shutil.chown(directory, entry.pw_uid, entry.pw_gid)
        return home


def empty(directory):
    """Fresh trees: everything below goes."""
    subprocess.run(["find", directory, "-mindepth", "1", "-maxdepth", "1", "-exec", "rm", "-rf", "{}", "+"], check=True)
