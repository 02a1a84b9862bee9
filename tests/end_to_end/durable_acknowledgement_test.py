"""A 257 leaves the server after the directory has been synced, and not before: seen in its system calls."""
import re
import shutil
import signal
import subprocess
import unittest

from harness import IS_ROOT, EndToEndTest, Log, scaled
from control_client import logged_in

MADE = r'mkdirat\(.*"(wanted-\d+)"'
SYNC_DONE = r"(?:fsync|syncfs)\(\d+\) += 0|<\.\.\. (?:fsync|syncfs) resumed>\) += 0"
REPLY = r'(?:write|sendto)\(\d+, "\\27\\3\\3'  # a TLS record of application data


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
@unittest.skipUnless(IS_ROOT, "tracing a process that is not one's own child needs root")
class DurableAcknowledgement(EndToEndTest):
    def trace(self, server, act):
        """The lines of strace while act() ran."""
        file = server.site.directory / "trace"
        strace = subprocess.Popen(["strace", "-f", "-e", "trace=mkdirat,fsync,syncfs,write,sendto", "-o", str(file),
                                   "-p", str(server.child("net"))], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            Log(strace.stderr).wait_for("attached")
            act()
        finally:
            strace.send_signal(signal.SIGINT)
            strace.wait(scaled(10))
        return file.read_text(encoding="utf-8").splitlines()

    def kinds(self, lines):
        """The order of events as a string: m(ade), s(ynced), r(eply)."""
        patterns = {"m": MADE, "s": SYNC_DONE, "r": REPLY}
        return "".join(kind for line in lines for kind, pattern in patterns.items() if re.search(pattern, line))

    def make(self, control, count):
        replies = control.pipeline([f"MKD wanted-{i}" for i in range(count)])
        self.assertEqual([reply.code for reply in replies], [257] * count)

    def test_one_directory_is_made_then_synced_then_acknowledged(self):
        server = self.serve()
        with logged_in(server.port) as control:
            lines = self.trace(server, lambda: self.make(control, 1))
        self.assertRegex(self.kinds(lines), "^ms+r+$", "\n".join(lines))

    def test_directories_that_wait_together_share_a_sync(self):
        server = self.serve()
        with logged_in(server.port) as control:
            lines = self.trace(server, lambda: self.make(control, 64))
        events = self.kinds(lines)
        self.assertEqual(events.count("m"), 64)
        self.assertLess(events.count("s"), 16, events)
        self.assertNotRegex(events, "mr", "a reply goes out between making and syncing")

    def test_without_durability_nothing_is_synced(self):
        server = self.serve(durability="none")
        with logged_in(server.port) as control:
            lines = self.trace(server, lambda: self.make(control, 8))
        self.assertRegex(self.kinds(lines), "^m+r+$", "\n".join(lines))


if __name__ == "__main__":
    unittest.main()
