"""A lock that a taken-over auth takes on the data directory ends with that auth."""
import fcntl
import os
import signal
import unittest

from harness import IS_ROOT, EndToEndTest, until
from control_client import can_log_in
from taken_descriptors import take


@unittest.skipUnless(IS_ROOT, "SKIPPED: taking a descriptor of another process needs root")
class LockedDataDirectory(EndToEndTest):
    def test_it_keeps_no_command_waiting_when_that_auth_has_ended(self):
        server = self.serve()
        auth = server.child("auth")
        data = take(auth, str(server.site.data))
        try:
            fcntl.flock(data, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(data)  # auth has it still, and with it the lock
        os.kill(auth, signal.SIGKILL)
        until(lambda: server.child("auth") not in (None, auth), "another auth is started")
        until(lambda: can_log_in(server.port), "logins work again")
        done = server.site.ftpcd("user", "lock", "alice", seconds=10)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        until(lambda: not can_log_in(server.port), "the lock of alice is in force")


if __name__ == "__main__":
    unittest.main()
