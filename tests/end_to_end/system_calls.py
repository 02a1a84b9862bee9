"""System calls of ftpcd, as strace sees them."""
import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess

from harness import FTPCD, Log, scaled

HAS_STRACE = shutil.which("strace") is not None
STARTED = re.compile(r"(\d+) +(\w+)\((.*)")
FINISHED = re.compile(r"(.*)\) += (-?\d+)")
RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")
UNFINISHED = " <unfinished ...>"


@dataclasses.dataclass
class Call:
    """One call; `begin` and `end` are places in the trace, which has the calls of all threads in their order."""
    name: str
    arguments: str
    result: int | None
    begin: int
    end: int | None

    @property
    def path(self):
        """The file behind its first argument, a descriptor."""
        return re.match(r"\d+<([^>]*)>", self.arguments)[1]

    @property
    def strings(self):
        """Its arguments in quotes."""
        return re.findall(r'"((?:[^"\\]|\\.)*)"', self.arguments)


def parse(lines):
    calls, open_calls = [], {}
    for place, line in enumerate(lines):
        if match := RESUMED.match(line):
            call = open_calls.pop(match[1])
            rest = match[3]
        elif match := STARTED.match(line):
            call = Call(match[2], "", None, place, None)
            calls.append(call)
            rest = match[3]
            if rest.endswith(UNFINISHED):
                call.arguments = rest.removesuffix(UNFINISHED)
                open_calls[match[1]] = call
                continue
        else:
            continue
        if match := FINISHED.match(rest):
            call.arguments += match[1]
            call.result, call.end = int(match[2]), place
        else:
            call.arguments += rest  # the trace ended within the call
    return calls


def command(names, file, *options):
    return ["strace", "-f", "-o", str(file), "-e", f"trace={','.join(names)}", *options]


def calls_of_command(site, names, *words, **options):
    """Runs `ftpcd WORDS`; how it ended, and its calls with these names."""
    file = site.directory / "trace"
    # The leak check cannot work under a tracer.
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    done = subprocess.run([*command(names, file, "-yy", "-s", "64"), FTPCD, *words, "--config", str(site.config)],
                          capture_output=True, timeout=scaled(60), env=environment, check=False, **options)
    return done, parse(file.read_text(encoding="utf-8").splitlines())


@contextlib.contextmanager
def calls_of_process(site, pid, names, *options):
    """Traces a running process within the block; gives a list that has its calls when the block has ended."""
    file = site.directory / "trace"
    strace = subprocess.Popen([*command(names, file, "-yy", *options), "-p", str(pid)],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    calls = []
    try:
        Log(strace.stderr).wait_for("attached")
        yield calls
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(scaled(20))
    calls += parse(file.read_text(encoding="utf-8").splitlines())
