"""ftpcd why: why can this user not log in?"""
import os
import unittest

from harness import IS_ROOT, PASSWORD, EndToEndTest, until
from control_client import connect
from ftpc_client import FtpcUser

UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


class Why(EndToEndTest):
    def setUp(self):
        self.server = self.serve(("alice", "bob"), login_limit_address="3", login_limit_account="4")
        self.site = self.server.site

    def why(self, name, status, *words):
        """Asks until the answer says `words` (auth writes its memory of logins within a second)."""
        def answer():
            done = self.site.ftpcd("why", name)
            self.assertEqual(done.stderr, "")
            return done if all(w in done.stdout for w in words) else None
        done = until(answer, f"why {name} says {words}")
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def attempt(self, user="alice", password=PASSWORD, source="127.0.0.1"):
        with connect(self.server.port, source=source) as control:
            return control.log_in(user, password).code

    def test_a_user_with_nothing_against_it_can_log_in(self):
        self.assertEqual(self.why("alice", 0), "alice can log in, as far as is known\n  no good login is remembered\n")

    def test_a_name_without_a_user(self):
        self.why("nobody", 1, "nobody cannot log in: there is no such user; add it with: ftpcd user add nobody")
        done = self.site.ftpcd("why", "No Name")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, "No Name")
        self.assertEqual(self.site.ftpcd("why").returncode, 2)

    def test_a_locked_user(self):
        self.site.ftpcd("user", "lock", "alice").check_returncode()
        until(lambda: self.attempt() == 530, "the lock counts")
        self.why("alice", 1, "alice cannot log in: the user is locked; unlock with: ftpcd user unlock alice",
                 "from 127.0.0.1 by password: the user is locked")
        self.site.ftpcd("user", "unlock", "alice").check_returncode()
        self.why("alice", 0, "alice can log in")

    def test_wrong_passwords_with_time_and_address(self):
        self.attempt()
        for source in ("127.0.0.1", "127.0.0.1", "127.0.0.9"):
            self.assertEqual(self.attempt(password="wrong", source=source), 530)
        text = self.why("alice", 0, "from 127.0.0.1 by password: wrong password (2 times)",
                        "from 127.0.0.9 by password: wrong password", "last good login ")
        self.assertRegex(text, rf"last good login {UTC} from 127\.0\.0\.1 by password\n")
        self.assertRegex(text, rf"failed {UTC} from 127\.0\.0\.9 by password: wrong password\n")

    def test_a_limited_address(self):
        self.attempt()
        for _ in range(4):
            self.attempt(password="wrong")
        self.why("alice", 1, "alice can log in, but not by password from 127.0.0.1 until ")
        self.assertNotIn("by password from", self.why("bob", 0, "bob can log in"))

    def test_an_account_under_attack(self):
        for attacker in range(10, 16):
            self.attempt(password="wrong", source=f"127.0.0.{attacker}")
        self.why("alice", 0, "slowed until ", "those from new addresses wait up to 5 s")

    def test_session_keys_that_are_good_expired_or_from_before_a_change(self):
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(self.server).returncode, 0)
        self.why("alice", 0, " is good until ", "by prehash")
        self.site.ftpcd("user", "passwd", "alice", "--password-stdin", input="another one\n").check_returncode()
        until(lambda: user.ftpc("mkdir", "x").returncode == 3, "the key is good no longer")
        self.assertNotIn("is good until", self.why("alice", 0))

    @unittest.skipUnless(IS_ROOT, "SKIPPED: another owner needs root")
    def test_a_users_db_that_the_login_service_cannot_read(self):
        users_db = self.server.site.users_db
        owner = users_db.stat()
        os.chown(users_db, 0, 0)
        try:
            done = self.server.site.ftpcd("why", "alice")
        finally:
            os.chown(users_db, owner.st_uid, owner.st_gid)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the login service cannot read and replace it: Permission denied; mend with: chown ", done.stderr)

    def test_it_answers_while_no_server_runs(self):
        self.attempt(password="wrong")
        self.assertEqual(self.server.stop(), 0)
        self.why("alice", 0, "wrong password")

    def test_a_hash_for_another_pepper_and_a_missing_home(self):
        (self.site.root / "alice").rmdir()
        self.why("alice", 1, "alice cannot log in: the home ", "No such file or directory")
        self.assertIn("ftpcd why NAME", self.site.ftpcd("why", "--help").stdout)


if __name__ == "__main__":
    unittest.main()
