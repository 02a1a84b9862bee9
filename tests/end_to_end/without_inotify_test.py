"""Changes of users count within a second also if the kernel does not tell of them."""
import pathlib
import sys
import time
import unittest

from harness import PASSWORD, EndToEndTest, scaled, timing, until
from control_client import can_log_in, logged_in

WITHOUT = (sys.executable, str(pathlib.Path(__file__).with_name("without_kernel_feature.py")))
NOT_WATCHED = "event=users-not-watched "


class WithoutInotify(EndToEndTest):
    feature = "inotify"

    def setUp(self):
        self.site = self.make_site(users=("alice", "bob"))
        self.server = self.start(self.site, wrapper=(*WITHOUT, self.feature))

    @timing
    def test_lock_ends_what_is_open_and_lets_nobody_in(self):
        with logged_in(self.server.port) as alice, logged_in(self.server.port, "bob") as bob:
            began = time.monotonic()
            self.site.ftpcd("user", "lock", "alice").check_returncode()
            self.assertEqual(alice.reply().code, 421)
            self.assertLess(time.monotonic() - began, scaled(1))
            self.assertFalse(can_log_in(self.server.port))
            self.assertEqual(bob.code("MKD still-here"), 257)

    @timing
    def test_a_user_who_is_added_or_unlocked_gets_in(self):
        self.site.add_user("carol")
        until(lambda: can_log_in(self.server.port, "carol", PASSWORD), "carol can log in", 1)
        self.site.ftpcd("user", "lock", "carol").check_returncode()
        until(lambda: not can_log_in(self.server.port, "carol"), "carol is locked", 1)
        self.site.ftpcd("user", "unlock", "carol").check_returncode()
        until(lambda: can_log_in(self.server.port, "carol"), "carol can log in again", 1)

    def test_a_file_that_an_editor_writes_in_place_counts(self):
        text = self.site.users_db.read_text(encoding="utf-8")
        self.site.users_db.write_text(text.replace("user bob ", "user ben "), encoding="utf-8")
        until(lambda: not can_log_in(self.server.port, "bob"), "bob has another name, and the same length")
        self.assertTrue(can_log_in(self.server.port, "alice"))

    def test_a_mistake_is_named_once_and_the_users_stay(self):
        before = self.server.log_size()
        text = self.site.users_db.read_text(encoding="utf-8")
        self.site.users_db.write_text("usr\n" + text, encoding="utf-8")
        self.server.log.wait_for("event=users-kept where=users.db:1", before)
        self.assertTrue(can_log_in(self.server.port))
        self.site.users_db.write_text(text.replace("user bob ", "user ben "), encoding="utf-8")
        self.server.log.wait_for("event=users-read ", before)
        self.assertEqual(self.server.log.text.count("event=users-kept"), 1)

    def test_the_log_says_it_once(self):
        self.site.add_user("carol")
        until(lambda: can_log_in(self.server.port, "carol"), "carol can log in")
        self.assertEqual(self.server.log.text.count(NOT_WATCHED), 1)
        self.assertIn('effect="changes of users.db count within a second"', self.server.log.text)


class WithoutWatchLeft(WithoutInotify):
    feature = "inotify-limit"


class WithoutNews(WithoutInotify):
    """Nothing says that inotify is of no use."""
    feature = "inotify-news"

    def test_the_log_says_it_once(self):
        self.assertNotIn(NOT_WATCHED, self.server.log.text)


if __name__ == "__main__":
    unittest.main()
