"""Passwords typed at a terminal are never shown, and the terminal is as before in any case."""
import signal
import unittest

from harness import FTPC, FTPCD, PASSWORD, EndToEndTest, until
from control_client import can_log_in
from ftpc_client import FtpcUser, Terminal


class PasswordPrompt(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.user = FtpcUser(self.make_directory())

    def login_terminal(self):
        return Terminal(FTPC, "login", f"alice@{self.server.address}", "--accept-new", env=self.user.environment)

    def add_terminal(self, name):
        return Terminal(FTPCD, "user", "add", name, "--config", str(self.server.site.config))

    def test_the_password_is_not_shown(self):
        with self.login_terminal() as terminal:
            terminal.wait_for("Password for alice: ")
            until(lambda: not terminal.echoes(), "echo is off")
            terminal.type(PASSWORD + "\n")
            terminal.wait_for("Logged in as alice until ")
            self.assertEqual(terminal.wait(), 0)
            self.assertTrue(terminal.echoes())
            self.assertNotIn(PASSWORD, terminal.seen)

    def test_ctrl_c_ends_the_login_and_restores_the_echo(self):
        with self.login_terminal() as terminal:
            terminal.wait_for("Password for alice: ")
            until(lambda: not terminal.echoes(), "echo is off")
            terminal.type("half a pass\x03")
            self.assertEqual(terminal.wait(), -signal.SIGINT)
            self.assertTrue(terminal.echoes())
            self.assertNotIn("half", terminal.seen)

    def test_ctrl_d_is_no_password(self):
        with self.login_terminal() as terminal:
            terminal.wait_for("Password for alice: ")
            terminal.type("\x04")
            self.assertEqual(terminal.wait(), 2)
            self.assertTrue(terminal.echoes())
            self.assertIn("no password was given", terminal.seen)

    def test_user_add_asks_twice(self):
        with self.add_terminal("bob") as terminal:
            terminal.wait_for("Password for bob: ")
            until(lambda: not terminal.echoes(), "echo is off")
            terminal.type("geheim und lang\n")
            terminal.wait_for("The same again: ")
            until(lambda: not terminal.echoes(), "echo is off")
            terminal.type("geheim und lang\n")
            self.assertEqual(terminal.wait(), 0)
            self.assertIn("added bob (home bob/)", terminal.seen)
            self.assertNotIn("geheim", terminal.seen)
        until(lambda: can_log_in(self.server.port, "bob", "geheim und lang"), "bob can log in")

    def test_two_different_answers_add_nobody(self):
        before = self.server.site.users_db.read_bytes()
        with self.add_terminal("bob") as terminal:
            terminal.wait_for("Password for bob: ")
            terminal.type("one thing\n")
            terminal.wait_for("The same again: ")
            terminal.type("another thing\n")
            self.assertEqual(terminal.wait(), 1)
            self.assertIn("the two passwords differ", terminal.seen)
        self.assertEqual(self.server.site.users_db.read_bytes(), before)

    def test_ctrl_c_at_user_add_changes_nothing(self):
        before = self.server.site.users_db.read_bytes()
        with self.add_terminal("bob") as terminal:
            terminal.wait_for("Password for bob: ")
            until(lambda: not terminal.echoes(), "echo is off")
            terminal.type("\x03")
            self.assertEqual(terminal.wait(), -signal.SIGINT)
            self.assertTrue(terminal.echoes())
        self.assertEqual(self.server.site.users_db.read_bytes(), before)

    def test_without_a_terminal_the_other_ways_are_named(self):
        done = self.user.ftpc("login", f"alice@{self.server.address}", "--accept-new", start_new_session=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("use --password-stdin", done.stderr)
        done = self.server.site.ftpcd("user", "add", "bob", start_new_session=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--password-stdin or --generate", done.stderr)


if __name__ == "__main__":
    unittest.main()
