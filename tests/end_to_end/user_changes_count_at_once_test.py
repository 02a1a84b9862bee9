"""`ftpcd user` while the server runs: its changes are in force within a second."""
import time
import unittest

from harness import PASSWORD, EndToEndTest, scaled, timing, until
from control_client import can_log_in, connect, logged_in
from ftpc_client import FtpcUser

NEW_PASSWORD = "another horse, another battery"


@timing
class UserChangesCountAtOnce(EndToEndTest):
    def setUp(self):
        self.server = self.serve(users=("alice", "bob"))
        self.site = self.server.site
        self.ftpc_user = FtpcUser(self.make_directory())

    def user(self, *words, password=None):
        done = self.site.ftpcd("user", *words, input=None if password is None else password + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def assert_everything_of_alice_ends(self, change):
        """Open connections, with 421, and session keys, within a second after `change` has ended."""
        self.assertEqual(self.ftpc_user.log_in(self.server).returncode, 0)
        with logged_in(self.server.port) as first, logged_in(self.server.port) as second, \
                logged_in(self.server.port, "bob") as bob, connect(self.server.port) as unauthenticated:
            change()
            changed = time.monotonic()
            for control in (first, second):
                self.assertEqual(control.reply().code, 421)
                self.assertTrue(control.ended())
            self.assertLess(time.monotonic() - changed, scaled(1))
            done = self.ftpc_user.ftpc("mkdir", "too-late")
            self.assertLess(time.monotonic() - changed, scaled(1))
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("login refused", done.stderr)
            self.assertFalse((self.site.root / "alice/too-late").exists())
            self.assertEqual(bob.code("MKD still-here"), 257, "others are not disturbed")
            self.assertEqual(unauthenticated.log_in("bob").code, 230)

    def test_passwd(self):
        self.assert_everything_of_alice_ends(lambda: self.user("passwd", "alice", "--password-stdin", password=NEW_PASSWORD))
        self.assertFalse(can_log_in(self.server.port, "alice", PASSWORD))
        self.assertTrue(can_log_in(self.server.port, "alice", NEW_PASSWORD))

    def test_lock_and_unlock(self):
        self.assert_everything_of_alice_ends(lambda: self.user("lock", "alice"))
        self.assertFalse(can_log_in(self.server.port))
        self.user("unlock", "alice")
        until(lambda: can_log_in(self.server.port), "alice can log in again", 1)
        self.assertEqual(self.ftpc_user.ftpc("mkdir", "x").returncode, 3, "the old session key does not come back")

    def test_del(self):
        self.assert_everything_of_alice_ends(lambda: self.user("del", "alice"))
        self.assertFalse(can_log_in(self.server.port))
        self.assertTrue((self.site.root / "alice").is_dir(), "the directories stay")

    def test_a_deleted_user_who_is_added_again_does_not_get_the_old_sessions(self):
        self.assertEqual(self.ftpc_user.log_in(self.server).returncode, 0)
        self.user("del", "alice")
        self.user("add", "alice", "--password-stdin", password=PASSWORD)
        until(lambda: can_log_in(self.server.port), "the new alice can log in", 1)
        self.assertEqual(self.ftpc_user.ftpc("mkdir", "x").returncode, 3)

    def test_a_new_user_can_log_in_within_a_second(self):
        with connect(self.server.port) as control:
            self.user("add", "carol", "--password-stdin", password=NEW_PASSWORD)
            until(lambda: can_log_in(self.server.port, "carol", NEW_PASSWORD), "carol can log in", 1)
            self.assertEqual(control.log_in("carol", NEW_PASSWORD).code, 230)
            self.assertEqual(control.code("MKD first"), 257)
        self.assertTrue((self.site.root / "carol/first").is_dir())

    def test_a_generated_password_is_printed_and_works(self):
        done = self.user("add", "dave", "--generate")
        password, added = done.stdout.splitlines()
        self.assertEqual(added, "added dave (home dave/)")
        self.assertRegex(password, r"^password: \S{20,}$")
        until(lambda: can_log_in(self.server.port, "dave", password.split(": ")[1]), "dave can log in", 1)

    def test_two_users_may_share_a_home(self):
        self.user("add", "eve", "--home", "alice", "--password-stdin", password=PASSWORD)
        until(lambda: can_log_in(self.server.port, "eve"), "eve can log in", 1)
        with logged_in(self.server.port, "eve") as eve, logged_in(self.server.port) as alice:
            self.assertEqual(eve.code("MKD shared"), 257)
            self.assertEqual(alice.code("MKD shared"), 521)

    def test_a_hash_of_older_parameters_is_renewed_at_login_and_sessions_stay(self):
        self.assertEqual(self.ftpc_user.log_in(self.server).returncode, 0)
        self.assertEqual(self.site.users_db.read_text(encoding="utf-8").count("$scrypt$ln=10,r=8,p=1$"), 2)
        self.site.configure(scrypt="ln=11,r=8,p=1")
        self.server.log.wait_for("event=reloaded", self.server.hang_up())

        def alice_renewed():
            with logged_in(self.server.port):
                return "user alice $scrypt$ln=11,r=8,p=1$" in self.site.users_db.read_text(encoding="utf-8")
        until(alice_renewed, "the hash is renewed")
        self.assertIn("user bob $scrypt$ln=10,r=8,p=1$", self.site.users_db.read_text(encoding="utf-8"))
        self.assertEqual(self.ftpc_user.ftpc("mkdir", "still").returncode, 0)
        self.assertTrue(can_log_in(self.server.port))

    def test_list_and_show_describe_the_users(self):
        self.user("lock", "bob")
        self.assertEqual(self.user("list").stdout, "alice\talice/\tactive\nbob\tbob/\tlocked\n")
        self.assertEqual(self.ftpc_user.log_in(self.server).returncode, 0)
        shown = self.user("show", "alice").stdout
        self.assertIn("scrypt ln=10 r=8 p=1", shown)
        self.assertRegex(shown, "session key +[0-9a-f]{32} created ")
        self.assertNotIn("$scrypt$", shown)


if __name__ == "__main__":
    unittest.main()
