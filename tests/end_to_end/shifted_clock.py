"""A system clock that is wrong, for ftpcd only: no test touches that of the machine (shifted_clock.cpp)."""
import os
import pathlib
import shutil
import struct

from harness import SOURCE

LIBRARY = pathlib.Path(os.environ.get("FTPC_CLOCK_LIBRARY", SOURCE / "build/release/tests/libftpc_clock.so"))
DAY = 86400


class ShiftedClock:
    """Processes started with `environment` have a clock that is right until it is set."""

    def __init__(self, directory):
        # Beside the site, where the server's system users can read it wherever the build tree is.
        library = directory / LIBRARY.name
        shutil.copyfile(LIBRARY, library)
        library.chmod(0o755)
        self._file = directory / "clock"
        self._file.write_bytes(bytes(8))
        self._file.chmod(0o644)
        # The sanitizers' runtime wants to be the first library of all.
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.environment = {**os.environ, "LD_PRELOAD": str(library), "FTPC_CLOCK": str(self._file),
                            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0"}

    def set_ahead_by(self, seconds):
        """At once, in all processes; less than nothing is behind."""
        with open(self._file, "r+b", buffering=0) as file:  # in place: it is mapped
            file.write(struct.pack("q", seconds))
