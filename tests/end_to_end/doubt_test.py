"""A file system on which a sync has failed is in doubt, until that one has been synced as a whole."""
import errno
import os
import signal
import subprocess
import unittest

from harness import IS_ROOT, EndToEndTest, tree_owner, until
from control_client import can_log_in, logged_in
from faults import Faults

FAILED = (451, "The directory may not be on disk: Input/output error")
FOR_EVER = 1_000_000


@unittest.skipUnless(IS_ROOT, "mounting a second file system needs root")
class Doubt(EndToEndTest):
    """Bob's home is a file system of its own."""
    settings = {}

    def setUp(self):
        self.site = self.make_site(("alice", "bob"), **self.settings)
        user, group = tree_owner()
        bob = self.site.root / "bob"
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=4m,mode=755,uid={user},gid={group}", "tmpfs", bob], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", bob], check=True)
        self.alices = (self.site.root / "alice").stat().st_dev
        self.faults = Faults(self.site.directory)
        self.server = self.start(self.site, env=self.faults.environment)

    def ask(self, user, line):
        with logged_in(self.server.port, user) as control:
            return control.ask(line)

    def make_in_vain(self):
        self.faults.fail("sync", times=FOR_EVER)
        self.assertEqual(self.ask("alice", "MKD a"), FAILED)
        self.faults.none()

    def assert_alice_is_in_doubt(self):
        """A reply names an existing directory only after a sync of its whole file system."""
        self.faults.fail("syncfs", device=self.alices)
        for line in ("MKD a", "SITE MKDIR a", "MKD a/b"):
            self.faults.fail("syncfs", device=self.alices)
            self.assertEqual(self.ask("alice", line), FAILED, line)
        self.faults.none()
        self.assertEqual(self.ask("alice", "MKD a").code, 521)
        self.faults.none("syncfs", device=self.alices)
        self.assertEqual(self.ask("alice", "MKD c").code, 257)
        self.assertEqual(self.faults.matched, 0, "the doubt is over")

    def test_the_success_of_another_file_system_ends_no_doubt(self):
        self.make_in_vain()
        self.assertEqual(self.ask("bob", "MKD a").code, 257)
        self.assertEqual(self.ask("bob", "MKD b").code, 257)
        self.assert_alice_is_in_doubt()

    def test_the_end_of_net_is_a_doubt_about_every_file_system(self):
        self.make_in_vain()
        log = self.server.log_size()
        os.kill(self.server.child("net"), signal.SIGKILL)
        self.server.log.wait_for("event=child-restarted process=net", log)
        until(lambda: can_log_in(self.server.port), "net is back")
        self.assertEqual(self.ask("bob", "MKD a").code, 257)
        self.assert_alice_is_in_doubt()

    def test_so_is_a_new_server(self):
        self.make_in_vain()
        self.server.kill_everything()
        self.server = self.start(self.site, env=self.faults.environment)
        self.assertEqual(self.ask("bob", "MKD a").code, 257)
        self.assert_alice_is_in_doubt()

    def test_so_is_a_time_without_durability(self):
        self.assertEqual(self.ask("alice", "MKD before").code, 257)
        for durability in ("none", "group"):
            if durability == "group":
                self.assertEqual(self.ask("alice", "MKD a").code, 257)
            self.site.configure(durability=durability)
            self.server.log.wait_for("event=reloaded", self.server.hang_up())
        self.assert_alice_is_in_doubt()

    def test_one_file_system_that_fails_is_not_told_to_the_users_of_another(self):
        self.faults.fail("sync", times=FOR_EVER, device=self.alices)
        with logged_in(self.server.port) as alice, logged_in(self.server.port, "bob") as bob:
            alice.send_bytes(b"".join(b"MKD %d\r\n" % i for i in range(200)))
            bob.send_bytes(b"".join(b"MKD %d\r\n" % i for i in range(200)))
            self.assertEqual({alice.reply() for _ in range(200)}, {FAILED})
            self.assertEqual({bob.reply().code for _ in range(200)}, {257})

    def test_a_file_system_that_an_error_has_made_read_only_stays_in_doubt(self):
        self.alices = (self.site.root / "bob").stat().st_dev
        self.faults.fail("sync", times=FOR_EVER)
        self.assertEqual(self.ask("bob", "MKD a"), FAILED)
        self.faults.none()
        subprocess.run(["mount", "-o", "remount,ro", self.site.root / "bob"], check=True)
        answer = self.ask("bob", "MKD a")  # syncfs does nothing there, and says that it has done it
        self.assertEqual(answer, (451, f"The directory may not be on disk: {os.strerror(errno.EROFS)}"))
        subprocess.run(["mount", "-o", "remount,rw", self.site.root / "bob"], check=True)
        self.assertEqual(self.ask("bob", "MKD a").code, 521)


class DoubtOfThreads(Doubt):
    settings = {"hand_over": "always"}


if __name__ == "__main__":
    unittest.main()
