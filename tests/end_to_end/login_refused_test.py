"""Logins that are refused: nobody learns why, and nobody may try for long."""
import ftplib
import ssl
import unittest

from harness import PASSWORD, SharedServerTest
from control_client import Reply, connect, logged_in
from ftpc_client import FtpcUser

REFUSED = Reply(530, "Login refused.")


class LoginRefused(SharedServerTest):
    users = ("alice", "locked")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.site.ftpcd("user", "lock", "locked").check_returncode()

    def test_wrong_password_unknown_and_locked_user_read_the_same(self):
        for user, password in [("alice", "wrong"), ("nobody", "wrong"), ("locked", PASSWORD), ("No Name", "wrong"),
                               ("alice", ""), ("alice", b"\xff\xfe"), ("alice", "x" * 1025)]:
            with self.subTest(user=user, password=password), connect(self.server.port) as control:
                self.assertEqual(control.log_in(user, password), REFUSED)
                self.assertEqual(control.code("MKD x"), 530)
        self.assertEqual(list((self.server.site.root / "alice").iterdir()), [])

    def test_they_read_the_same_to_ftpc(self):
        user = FtpcUser(self.make_directory())
        texts = set()
        for name, password in [("alice", "wrong"), ("nobody", "wrong"), ("locked", PASSWORD)]:
            done = user.log_in(self.server, user=name, password=password)
            self.assertEqual(done.returncode, 3)
            texts.add(done.stderr.replace(name, "USER"))
        self.assertEqual(len(texts), 1, texts)

    def test_the_third_failure_ends_the_connection(self):
        with connect(self.server.port) as control:
            self.assertEqual(control.log_in("alice", "wrong"), REFUSED)
            self.assertEqual(control.log_in("nobody", "wrong"), REFUSED)
            self.assertEqual(control.log_in("alice", "wrong again"), REFUSED)
            self.assertEqual(control.reply(), Reply(421, "Too many refused logins."))
            self.assertTrue(control.ended())

    def test_guesses_that_are_pipelined_end_at_the_third_as_well(self):
        with connect(self.server.port) as control:
            for i in range(20):
                control.send(f"USER alice\r\nPASS guess {i}")
            codes = []
            while (reply := control.reply()).code:
                codes.append(reply.code)
            self.assertEqual(codes, [331, 530, 331, 530, 331, 530, 421])

    def test_the_third_failure_is_a_refused_login_to_ftplib(self):
        client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=str(self.server.site.certificate)), timeout=20)
        client.connect("127.0.0.1", self.server.port)
        self.addCleanup(client.close)
        for attempt in range(3):
            with self.assertRaisesRegex(ftplib.error_perm, "^530 Login refused", msg=attempt):
                client.login("alice", "wrong")

    def test_a_good_login_still_works_after_two_failures(self):
        with connect(self.server.port) as control:
            control.log_in("alice", "wrong")
            control.log_in("alice", "wrong")
            self.assertEqual(control.log_in("alice").code, 230)

    def test_the_order_of_the_commands_counts(self):
        with connect(self.server.port) as control:
            self.assertEqual(control.code("PASS correct horse battery staple"), 503)
            self.assertEqual(control.code("SITE AUTH PREHASH1 " + "A" * 43), 503)
            self.assertEqual(control.code("SITE SESSION LIST"), 530)
            self.assertEqual(control.code("SITE MKDIR x"), 530)
            self.assertEqual(control.code("CWD /"), 530)

    def test_user_at_any_time_ends_the_login(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("USER nobody"), 331)
            self.assertEqual(control.code("MKD x"), 530)

    def test_no_password_or_login_token_reaches_the_log(self):
        with connect(self.server.port) as control:
            control.log_in("alice", "do-not-log-this-1")
            control.ask("USER alice")
            control.ask("SITE AUTH PREHASH1 " + "doNotLogThis2" * 3 + "AAAA")
        text = self.server.log.text
        self.assertNotIn("do-not-log-this", text)
        self.assertNotIn("doNotLogThis", text)


if __name__ == "__main__":
    unittest.main()
