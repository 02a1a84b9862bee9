"""Processes: starting and stopping them, their memory and their time, all of a server's together."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


def until(condition, what, seconds=30.0):
    """Waits for `condition` and returns its result."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.005)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        return datagrams.getsockname()[1]


def answers_ntp(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, contextlib.suppress(OSError):
        client.settimeout(0.1)
        client.sendto(bytes([0o43]) + bytes(47), ("127.0.0.1", port))
        return len(client.recv(1000)) == 48
    return False


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        return bool(connection.recv(3))
    return False


def _stat_fields(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _begun(pid):
    """When the process began, which together with its number names it; None when it has ended."""
    with contextlib.suppress(OSError):
        fields = _stat_fields(pid)
        return None if fields[0] in "ZX" else fields[19]
    return None


def descendants(pid):
    """The process and all below it."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(_stat_fields(entry.name)[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found


def _process_clock(pid):
    """The clock of a process's own time, all its threads together, to the nanosecond: clock_getcpuclockid(3)."""
    return (~pid << 3) | 2


def cpu_seconds(pid):
    """User and system time of the process and all below it. Those that ended and were waited for count in clock ticks."""
    total = 0
    for one in descendants(pid):
        with contextlib.suppress(OSError):
            total += time.clock_gettime(_process_clock(one)) + sum(int(field) for field in _stat_fields(one)[13:15]) / TICK
    return total


def proportional_bytes(pid):
    """Proportional set size of the process and all below it."""
    total = 0
    for one in descendants(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text(encoding="utf-8").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def time_of(command, text="", limit=600, **options):
    """Runs a client to its end: its wall time and CPU time in seconds. Fails when it does."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(text.encode())
        given.seek(0)
        process = subprocess.Popen([str(word) for word in command], stdin=given, stdout=said,
                                   stderr=subprocess.STDOUT, **options)
        killer = threading.Timer(limit, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode(errors="replace")
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {output.strip()[-300:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime}


class Daemon:
    """A process that runs until stop(); its output goes to a file."""

    def __init__(self, log_file, command, **options):
        self.log_file = log_file
        with open(log_file, "ab") as log:
            self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, **options)
        self.pid = self._process.pid

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def empty_log(self):
        os.truncate(self.log_file, 0)

    def check(self):
        """Fails when it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"ended with status {self._process.returncode}: {self.log()[-500:]}")

    def await_port(self, port):
        def ready():
            self.check()
            return accepts(port)
        until(ready, f"a greeting on port {port}")

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        """SIGTERM, and SIGKILL for the rest of it; all of it was started here."""
        below = {pid: _begun(pid) for pid in descendants(self.pid)} if self._process.poll() is None else {}
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid, begun in below.items():
            if begun is not None and _begun(pid) == begun:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
