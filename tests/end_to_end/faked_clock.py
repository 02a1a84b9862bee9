"""A clock of ftpc that is wrong (libfaketime, package faketime): no test touches that of the machine."""
import glob
import os

# The sanitizers' runtimes and libfaketime each want to be the first library.
LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)
HOUR = 3600


class FakedClock:
    """A program started with `environment` has a clock that is right until it is set, also while it runs."""

    def __init__(self, directory):
        self._file = directory / "faked-clock"
        self.set_ahead_by(0)
        # Clocks that nobody sets go on as they are, and with them all waits.
        self.environment = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set_ahead_by(self, seconds):
        """Less than nothing is behind. The file is replaced, so that nobody reads half of it."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n", encoding="ascii")
        os.replace(new, self._file)
