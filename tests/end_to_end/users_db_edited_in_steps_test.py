"""users.db in the hands of an editor: a user who is missing for a moment loses nothing, and a complete file counts at once."""
import contextlib
import fcntl
import os
import re
import time
import unittest

from harness import EndToEndTest, scaled, timing, until
from control_client import can_log_in, logged_in
from ftpc_client import FtpcUser


@contextlib.contextmanager
def locked(directory):
    """As `flock DATA …` does it."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


class UsersDbEditedInSteps(EndToEndTest):
    def setUp(self):
        self.server = self.serve(users=("alice", "bob"))
        self.site = self.server.site
        self.bob = FtpcUser(self.make_directory())
        self.assertEqual(self.bob.log_in(self.server, user="bob").returncode, 0)
        self.text = self.site.users_db.read_text(encoding="utf-8")
        self.cut = self.text.index("user bob ")

    def append(self, text):
        with open(self.site.users_db, "a", encoding="utf-8") as file:
            file.write(text)

    def add_carol(self):
        """By hand, in a step of its own."""
        self.append(self.text[self.text.index("user alice "):self.cut].replace("user alice ", "user carol "))

    def assert_bobs_key_is_good(self, name):
        done = self.bob.ftpc("mkdir", name)
        self.assertEqual(done.returncode, 0, done.stderr)

    @timing
    def test_two_writes_under_the_lock_are_one_change(self):
        before = self.server.log_size()
        with logged_in(self.server.port, "bob") as session:
            with locked(self.site.data):
                self.site.users_db.write_text(self.text[:self.cut], encoding="utf-8")
                self.server.log.wait_for('event=users-wait reason="somebody holds the lock', before)
                self.assertTrue(can_log_in(self.server.port, "alice"), "nobody waits for the holder of the lock")
                self.append(self.text[self.cut:])
                self.add_carol()
            self.server.log.wait_for("event=users-read users=3", before, seconds=3)
            self.assertEqual(session.code("NOOP"), 200)
        self.assert_bobs_key_is_good("x")

    @timing
    def test_a_reload_in_the_midst_of_a_slow_write_says_that_users_are_read_later(self):
        before = self.server.log_size()
        with logged_in(self.server.port, "bob") as session:
            with open(self.site.users_db, "r+", encoding="utf-8") as file:
                file.truncate(0)
                file.write(self.text[:self.cut])
                file.flush()
                self.server.hang_up()
                self.server.log.wait_for('event=users-read-later reason="somebody is writing it"', before)
                self.server.log.wait_for("event=reloaded", before)
                self.assertEqual(session.code("NOOP"), 200)
                file.write(self.text[self.cut:])
            before = self.server.log_size()
            self.add_carol()
            self.server.log.wait_for("event=users-read users=3", before, seconds=3)
            self.assertEqual(session.code("NOOP"), 200)
        self.assert_bobs_key_is_good("x")

    def test_nothing_is_made_of_half_a_file_while_the_rest_is_being_written(self):
        self.site.configure(scrypt="ln=11,r=8,p=1")  # a login renews the hash
        self.server.log.wait_for("event=reloaded", self.server.hang_up())
        before = self.server.log_size()
        with open(self.site.users_db, "r+", encoding="utf-8") as file:
            file.truncate(0)
            file.write(self.text[:self.cut])
            file.flush()
            self.assertTrue(can_log_in(self.server.port, "alice"))
            self.server.log.wait_for("event=hash-not-renewed user=alice", before)
            refused = self.site.ftpcd("user", "lock", "alice")
            self.assertEqual(refused.returncode, 1)
            self.assert_one_line(refused.stderr, "users.db: somebody is writing it without the lock; try again when that has ended")
            file.write(self.text[self.cut:])
        self.assertEqual(self.site.users_db.read_text(encoding="utf-8"), self.text)
        self.site.ftpcd("user", "lock", "alice").check_returncode()
        self.assert_bobs_key_is_good("x")

    def test_a_writer_that_never_ends_holds_up_changes_for_ten_seconds(self):
        before = self.server.log_size()
        with open(self.site.users_db, "r+", encoding="utf-8"):
            self.add_carol()
            self.server.log.wait_for('event=users-wait reason="somebody is writing it"', before)
            self.assertNotIn("event=users-read ", self.server.log.text[before:])
            self.server.log.wait_for("event=users-read users=3", before, seconds=20)

    @timing
    def test_a_user_who_was_gone_for_a_while_finds_keys_and_history_as_they_were(self):
        until(lambda: "by prehash" in self.site.ftpcd("why", "bob").stdout, "the login is remembered")
        with logged_in(self.server.port, "bob") as session:
            self.site.users_db.write_text(self.text[:self.cut], encoding="utf-8")
            self.assertEqual(session.reply().code, 421, "a complete file without bob: he is gone")
            self.assertEqual(self.bob.ftpc("mkdir", "gone").returncode, 3)
        self.append(self.text[self.cut:])
        until(lambda: can_log_in(self.server.port, "bob"), "bob is back", 3)
        self.assert_bobs_key_is_good("back")
        self.assertIn("last good login", self.site.ftpcd("why", "bob").stdout)

    @timing
    def test_another_user_of_an_old_name_gets_no_key_of_the_one_before(self):
        without_generation = re.sub(r" generation=\w+", "", self.text)
        self.site.users_db.write_text(without_generation, encoding="utf-8")
        until(lambda: self.bob.ftpc("mkdir", "x").returncode == 3, "the generation is another", 3)
        self.assertEqual(self.bob.log_in(self.server, user="bob").returncode, 0)
        self.site.users_db.write_text(without_generation[:without_generation.index("user bob ")], encoding="utf-8")
        until(lambda: self.bob.ftpc("mkdir", "x").returncode == 3, "bob is gone", 3)
        # Another bob, by hand as well: the hash is that of alice.
        alice = re.search("^user alice .*\n", without_generation, re.M)[0]
        before = self.server.log_size()
        self.append(alice.replace("user alice", "user bob").replace(" alice", " bob"))
        self.server.log.wait_for("event=users-read users=2", before)
        self.assertEqual(self.bob.ftpc("mkdir", "of-another").returncode, 3)
        self.assertFalse((self.site.root / "bob/of-another").exists())

    @timing
    def test_a_start_in_the_midst_of_a_change_reads_one_part_and_then_the_rest(self):
        self.assertEqual(self.server.stop(), 0)
        self.site.configure(listen=self.server.address)
        with locked(self.site.data):
            self.site.users_db.write_text(self.text[:self.cut], encoding="utf-8")
            began = time.monotonic()
            self.server = self.start(self.site)
            self.assertLess(time.monotonic() - began, scaled(10))
            self.assertTrue(can_log_in(self.server.port, "alice"))
            self.append(self.text[self.cut:])
        until(lambda: can_log_in(self.server.port, "bob"), "bob is back", 3)
        self.assert_bobs_key_is_good("x")


if __name__ == "__main__":
    unittest.main()
