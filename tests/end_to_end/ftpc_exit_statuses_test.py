"""The exit statuses that `ftpc --help` lists, each by a way that users meet."""
import socket
import threading
import unittest

from harness import FTPC, FTPCD, SharedServerTest, run
from ftpc_client import FtpcUser


class ExitStatuses(SharedServerTest):
    def setUp(self):
        self.user = FtpcUser(self.make_directory())

    def assert_status(self, done, status, *parts):
        self.assertEqual(done.returncode, status, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)
        if status != 0:
            self.assertTrue(done.stderr.startswith("ftpc"), done.stderr)

    def test_0_when_all_is_done(self):
        self.assert_status(self.user.log_in(self.server), 0)
        self.assert_status(self.user.ftpc("mkdir", "zero"), 0)
        self.assert_status(self.user.ftpc("logout"), 0)

    def test_1_when_some_directory_failed(self):
        self.user.log_in(self.server)
        self.assert_status(self.user.ftpc("mkdir", "missing/parent", "one"), 1, "missing/parent")

    def test_2_for_wrong_usage(self):
        for words in [(), ("dance",), ("mkdir",), ("mkdir", "--no-such-option", "x"), ("login", "a@b@:"),
                      ("login", "alice@127.0.0.1:99999"), ("login", "UPPER@127.0.0.1"), ("status", "extra"),
                      ("mkdir", "--timeout", "soon", "x"), ("login", "alice@127.0.0.1", "--pin", "SHA1:abc"), ("ls", "-R"),
                      ("ls", "--color", "red"), ("tree", "-L", "33"), ("tree", "a", "b")]:
            with self.subTest(words=words):
                self.assert_status(self.user.ftpc(*words), 2)

    def test_3_when_not_logged_in_or_refused(self):
        self.assert_status(self.user.ftpc("mkdir", "x"), 3, "not logged in")
        self.assert_status(self.user.ftpc("ls"), 3, "not logged in")
        self.assert_status(self.user.log_in(self.server, password="wrong"), 3, "login refused")
        self.assert_status(self.user.log_in(self.server, user="nobody"), 3, "login refused")
        self.assert_status(self.user.ftpc("logout"), 3, "not logged in")

    def test_4_when_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
        self.assert_status(self.user.ftpc("login", f"alice@{address}", "--password-stdin", input="x\n"), 4,
                           f"cannot reach {address}: Connection refused")

    def test_4_when_the_server_never_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes the connection, nobody else does
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            self.assert_status(self.user.ftpc("login", f"alice@{address}", "--password-stdin", "--timeout", "1", input="x\n"),
                               4, "no answer in time")

    def test_4_when_the_listener_is_no_ftp_server(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            def answer():
                connection, _ = other.accept()
                with connection:
                    connection.sendall(b"SSH-2.0-something\r\n")
                    connection.recv(1000)
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            self.assert_status(self.user.ftpc("login", f"alice@{address}", "--password-stdin", input="x\n"),
                               4, "does not speak FTP", "SSH-2.0-something")
            thread.join()

    def test_4_when_the_server_is_gone_after_the_login(self):
        server = self.serve()
        self.assert_status(self.user.log_in(server), 0)
        self.assertEqual(server.stop(), 0)
        self.assert_status(self.user.ftpc("mkdir", "x"), 4, "cannot reach")
        self.assert_status(self.user.ftpc("logout"), 4, "The session is removed here")

    def test_5_when_the_server_is_not_known_and_nobody_can_be_asked(self):
        done = self.user.log_in(self.server, trust=())
        self.assert_status(done, 5, "is new here", self.server.site.fingerprint())

    def test_help_exits_0_everywhere(self):
        ftpcd_users = ["add", "passwd", "del", "lock", "unlock", "list", "show"]
        for words in [[FTPC], [FTPC, "login"], [FTPC, "mkdir"], [FTPC, "logout"], [FTPC, "status"],
                      [FTPCD], [FTPCD, "serve"], [FTPCD, "user"], [FTPCD, "fingerprint"], [FTPCD, "check"],
                      *[[FTPCD, "user", name] for name in ftpcd_users]]:
            with self.subTest(words=words[1:]):
                done = run(*words, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("Usage: ", done.stdout)

    def test_the_help_of_ftpc_lists_the_exit_statuses(self):
        for command in [(), ("login",), ("mkdir",), ("logout",), ("status",)]:
            text = run(FTPC, *command, "--help").stdout
            for status in range(6):
                self.assertRegex(text, rf"(?m)^  {status}  \w")

    def test_wrong_usage_of_ftpcd_exits_2(self):
        for words in [(), ("dance",), ("serve", "--no-such"), ("user",), ("user", "dance"), ("user", "add"),
                      ("check", "extra"), ("serve", "--durability", "perhaps")]:
            with self.subTest(words=words):
                self.assertEqual(run(FTPCD, *words).returncode, 2)


if __name__ == "__main__":
    unittest.main()
