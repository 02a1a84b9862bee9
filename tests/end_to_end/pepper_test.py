"""A pepper: hashes are of no use without its file, and those from before it are renewed at login."""
import os
import unittest

from harness import EndToEndTest, until
from control_client import can_log_in, connect, logged_in


class PepperFile(EndToEndTest):
    def setUp(self):
        self.site = self.make_site(users=("before",))
        self.pepper = self.site.directory / "pepper"
        self.pepper.write_bytes(os.urandom(32))
        self.pepper.chmod(0o600)
        self.site.configure(pepper_file=self.pepper)
        self.site.add_user("alice")

    def line_of(self, user):
        lines = self.site.users_db.read_text(encoding="utf-8").splitlines()
        return next(line for line in lines if line.startswith(f"user {user} "))

    def test_a_user_with_pepper_logs_in(self):
        self.assertRegex(self.line_of("alice"), r"\$scrypt\$ln=10,r=8,p=1,pepper=[0-9a-f]{8}\$")
        server = self.start(self.site)
        self.assertTrue(can_log_in(server.port))

    def test_a_hash_from_before_the_pepper_gets_it_at_login(self):
        self.assertNotIn("pepper", self.line_of("before"))
        server = self.start(self.site)

        def renewed():
            with logged_in(server.port, "before"):
                return "pepper=" in self.line_of("before")
        until(renewed, "the hash has a pepper")
        self.assertTrue(can_log_in(server.port, "before"))

    def test_without_the_pepper_nobody_logs_in_and_the_log_says_why(self):
        self.site.configure(pepper_file=None)
        server = self.start(self.site)
        with connect(server.port) as control:
            self.assertEqual(control.log_in(), (530, "Login refused."))
        server.log.wait_for("user=alice .*needs another pepper")
        self.assertTrue(can_log_in(server.port, "before"))

    def test_another_pepper_is_no_pepper_of_these_hashes(self):
        self.pepper.write_bytes(os.urandom(32))
        server = self.start(self.site)
        with connect(server.port) as control:
            self.assertEqual(control.log_in(), (530, "Login refused."))

    def test_a_pepper_that_is_short_missing_or_open_to_others_is_refused(self):
        for mend, spoil in [(0o600, lambda: self.pepper.chmod(0o644)),
                            (0o600, lambda: self.pepper.write_bytes(b"short")),
                            (None, self.pepper.unlink)]:
            spoil()
            done = self.site.ftpcd("serve")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assert_one_line(done.stderr, f"pepper file {self.pepper}: ")
            if mend:
                self.pepper.chmod(mend)


if __name__ == "__main__":
    unittest.main()
