"""A disk that fails at the sync: 451, and nothing that was not put on disk is ever said to be there."""
import errno
import os
import re
import signal
import unittest

from harness import EndToEndTest, until
from control_client import can_log_in, logged_in
from faults import Faults
from ftpc_client import FtpcUser

FAILED = (451, "The directory may not be on disk: Input/output error")
FOR_EVER = 1_000_000


class FailedSync(EndToEndTest):
    settings = {}
    by_itself = "fsync"  # how a batch with one parent is synced

    def setUp(self):
        self.site = self.make_site(**self.settings)
        self.faults = Faults(self.site.directory)
        self.server = self.start(self.site, env=self.faults.environment)

    def test_the_answer_is_451_and_the_next_257_waits_for_a_sync_of_everything(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("MKD before"), 257)  # directories from before the start are on disk with it
            self.faults.fail(self.by_itself)
            self.assertEqual(control.ask("MKD a"), FAILED)
            self.server.log.wait_for('event=sync-failed error="Input/output error"')
            # A sync of this one parent would find nothing to write, and would succeed.
            self.faults.fail("syncfs")
            self.assertEqual(control.ask("MKD b"), FAILED)
            self.assertEqual(self.faults.hit, "syncfs")
            self.faults.none("syncfs")
            self.assertEqual(control.code("MKD c"), 257)
            self.assertEqual(self.faults.matched, 1)
            self.faults.none(self.by_itself)
            self.assertEqual(control.code("MKD d"), 257)
            self.assertEqual(self.faults.matched, 1, "after one good sync of everything, all is as before")

    def test_a_directory_made_in_vain_is_said_to_be_there_only_when_it_is_on_disk(self):
        with logged_in(self.server.port) as control, logged_in(self.server.port) as other:
            self.faults.fail("sync", times=FOR_EVER)
            self.assertEqual(control.ask("MKD a"), FAILED)
            self.assertTrue((self.site.root / "alice/a").is_dir(), "it is there, but perhaps only until the power goes")
            for session in (control, other):
                for command in ("MKD a", "XMKD /a", "SITE MKDIR a", "SITE MKDIR a/b", "MKD a/c"):
                    self.assertEqual(session.ask(command), FAILED, command)
            self.faults.none()
            self.assertEqual(other.code("MKD a"), 521)
            self.assertEqual(other.code("SITE MKDIR a"), 250)
            self.assertEqual(control.code("MKD a/d"), 257)

    def test_of_a_batch_only_the_replies_that_depend_on_the_sync_are_451(self):
        self.faults.fail("sync", times=FOR_EVER)
        with logged_in(self.server.port) as control, logged_in(self.server.port) as other:
            other.send_bytes(b"".join(b"MKD other-%d\r\n" % i for i in range(200)))
            replies = control.pipeline([command for i in range(100) for command in (f"MKD {i}", "NOOP", "MKD none/x", f"MKD {i}")])
            self.assertEqual([reply.code for reply in replies], [451, 200, 550, 451] * 100)
            self.assertEqual({other.reply() for _ in range(200)}, {FAILED})

    def test_other_errors_are_told_in_the_system_s_words(self):
        with logged_in(self.server.port) as control:
            for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE):
                self.faults.fail("sync", number)
                self.assertEqual(control.ask(f"MKD failed-with-{number}"), (451, f"The directory may not be on disk: {os.strerror(number)}"))

    def test_the_end_of_net_hides_nothing(self):
        with logged_in(self.server.port) as control:
            self.faults.fail("sync", times=FOR_EVER)
            self.assertEqual(control.ask("MKD a"), FAILED)
        log = self.server.log_size()
        os.kill(self.server.child("net"), signal.SIGKILL)
        self.server.log.wait_for("event=child-restarted process=net", log)
        self.faults.fail("syncfs")
        until(lambda: can_log_in(self.server.port), "net is back")
        with logged_in(self.server.port) as control:
            # The new process knows of no failure, and must not take a sync of this one parent for an answer.
            self.assertEqual(control.ask("MKD a"), FAILED)
            self.assertEqual(control.code("MKD a"), 521)

    def test_ftpc_names_directories_that_may_not_be_on_disk_and_exits_with_1(self):
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(self.server).returncode, 0)
        self.faults.fail("sync", times=FOR_EVER)
        for words in (["mkdir", "a"], ["mkdir", "-p", "a", "b/c"]):
            done = user.ftpc(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertTrue(all(re.match("ftpc: .*The directory may not be on disk", line) for line in done.stderr.splitlines()), done.stderr)
        self.faults.none()
        self.assertEqual(user.ftpc("mkdir", "-p", "a", "b/c").returncode, 0)


class FailedSyncOfTheFileSystem(FailedSync):
    settings = {"sync_parents": 0}
    by_itself = "syncfs"


if __name__ == "__main__":
    unittest.main()
