"""SIGKILL in the middle of work: acknowledged directories are there, and an interrupted change is not half done."""
import unittest

from harness import EndToEndTest, directories_in
from control_client import ENDED, can_log_in, logged_in

COUNT = 1000


class CrashKeepsAcknowledged(EndToEndTest):
    def acknowledged_before_kill(self, server, prefix):
        """Sends 1,000 MKDs at once, kills the whole server at the first reply, and returns every name that got a 257."""
        names = [f"{prefix}-{i:04}-{'n' * 200}" for i in range(COUNT)]  # long ones, so that they take several reads
        seen = []
        with logged_in(server.port) as control:
            control.send_bytes("".join(f"MKD {name}\r\n" for name in names).encode())
            reply = control.reply()
            server.kill_everything()
            # The process that outlives the others for a moment may still say 421.
            while reply.code not in (ENDED.code, 421):
                self.assertEqual(reply.code, 257)
                self.assertEqual(reply.text, f'"/{names[len(seen)]}" created.')
                seen.append(names[len(seen)])
                reply = control.reply()
        return seen

    def test_every_257_that_was_seen_is_there_afterwards(self):
        site = self.make_site()
        in_the_middle = 0
        for attempt in range(5):
            server = self.start(site)
            seen = self.acknowledged_before_kill(server, f"run{attempt}")
            self.assertTrue(seen)
            there = directories_in(site.root / "alice")
            self.assertEqual([name for name in seen if name not in there], [])
            in_the_middle += len(seen) < COUNT
            if in_the_middle == 2:
                break
        self.assertGreater(in_the_middle, 0, "no kill came in the middle: this showed nothing")
        server = self.start(site)
        self.assertTrue(can_log_in(server.port), "the data directory is sound after the kills")
        self.assertEqual(site.ftpcd("check").returncode, 0)

    def test_users_that_were_added_are_there_after_a_kill(self):
        site = self.make_site()
        server = self.start(site)
        site.add_user("bob")
        server.kill_everything()
        server = self.start(site)
        self.assertTrue(can_log_in(server.port, "bob"))


if __name__ == "__main__":
    unittest.main()
