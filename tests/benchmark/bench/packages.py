"""Debian packages of the peers, unpacked rather than installed: those of FTP servers conflict with one another."""
import os
import pathlib
import shutil
import subprocess


class Unpacked:
    """A package with its dependencies that this machine lacks, in a directory of its own."""

    def __init__(self, cache, *packages):
        self.packages = packages
        self.directory = cache / packages[0]
        if not (self.directory / ".complete").exists():
            self._fetch()
        libraries = [str(path.parent) for path in self.directory.glob("usr/lib/*/*.so.*")]
        libraries += [str(path.parent) for path in self.directory.glob("lib/*/*.so.*")]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(set(libraries)))}

    def _fetch(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        with_user = ["-o", "APT::Sandbox::User=root"]  # the directory is ours alone
        subprocess.run(["apt-get", "-qq", *with_user, "download", *self._missing()], cwd=self.directory, check=True,
                       capture_output=True, text=True)
        for package in self.directory.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, self.directory], check=True)
        (self.directory / ".complete").touch()

    def _missing(self):
        """The packages that apt would install for them; the named ones even if they are installed."""
        plan = subprocess.run(["apt-get", "-s", "install", "--no-install-recommends", *self.packages],
                              check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        planned = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
        return sorted({*planned, *self.packages})

    def file(self, path):
        """A file of the package; that of the machine if it is not in there."""
        inside = self.directory / path
        return inside if inside.exists() else pathlib.Path("/") / path

    def version(self):
        package = next(self.directory.glob(f"{self.packages[0]}_*.deb"))
        return subprocess.run(["dpkg-deb", "-f", package, "Version"], check=True, capture_output=True,
                              text=True).stdout.strip()
