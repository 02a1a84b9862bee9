"""Faults at a chosen step of ftpcd: SIGKILL before it or in the middle of it, or a call that fails or takes long.

A library that stands between ftpcd and the C library (faults.cpp) does it; the program is the one that is installed.
"""
import errno
import os
import pathlib
import shutil
import struct

from harness import SOURCE

LIBRARY = pathlib.Path(os.environ.get("FTPC_FAULTS_LIBRARY", SOURCE / "build/release/tests/libftpc_faults.so"))
CALLS = ["any", "openat", "write", "fchown", "fchmod", "fsync", "renameat", "syncfs",
         "sync", "fsync-directory"]  # sync: fsync or syncfs
KILL_BEFORE, KILL_IN_HALF, HOLD = -1, -2, -3
LAYOUT = struct.Struct("32sQ6i")


class Faults:
    """Processes started with `environment` do what the plan says, from the moment in which it is made."""

    def __init__(self, directory):
        # Beside the site, where the server's system users can read it wherever the build tree is.
        library = directory / LIBRARY.name
        shutil.copyfile(LIBRARY, library)
        library.chmod(0o755)
        self._file = directory / "faults"
        self._file.write_bytes(bytes(LAYOUT.size))
        self._file.chmod(0o666)
        # The sanitizers' runtime wants to be the first library of all.
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.environment = {**os.environ, "LD_PRELOAD": str(library), "FTPC_FAULTS": str(self._file),
                            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0"}

    def _plan(self, file, call, skip, times, action, device=0):
        # Written in place: it is mapped.
        with open(self._file, "r+b", buffering=0) as plan:
            plan.write(LAYOUT.pack(file.encode(), device, CALLS.index(call), skip, times, action, 0, 0))

    def kill_before_step(self, file, number):
        """SIGKILL before the step `number`, from 0, in which `file` is replaced or appended to."""
        self._plan(file, "any", number, 1, KILL_BEFORE)

    def kill_in_the_middle_of_writing(self, file):
        self._plan(file, "write", 0, 1, KILL_IN_HALF)

    def fail(self, call, error=errno.EIO, times=1, skip=0, file="", device=0):
        """The next `times` calls of `call` fail, after `skip` that do not. Only calls that write
        `file` and syncs on `device` (st_dev) count, if these are given."""
        self._plan(file, call, skip, times, error, device)

    def hold(self, call, file=""):
        """The next call of `call`, of those that write `file` if it is given, begins and does not end before another plan is
        made."""
        self._plan(file, call, 0, 1, HOLD)

    def none(self, call="any", device=0):
        """No faults any more; calls of `call` (of syncs, those on `device`) are counted from now on."""
        self._plan("", call, 0, 0, 0, device)

    def _read(self):
        return LAYOUT.unpack(self._file.read_bytes())

    @property
    def hit(self):
        """The last call that was acted on; None when the plan did not come to it."""
        number = self._read()[7]
        return CALLS[number] if number else None

    @property
    def left(self):
        """How many times the plan is still to act."""
        return self._read()[4]

    @property
    def matched(self):
        """How many calls the plan has counted."""
        return self._read()[6]
