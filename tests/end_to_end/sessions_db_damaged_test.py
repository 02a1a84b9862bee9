"""A damaged sessions.db costs its keys and no more: it is set aside, the log says so, and passwords work as ever."""
import os
import re
import unittest

from harness import EndToEndTest, until
from control_client import can_log_in
from ftpc_client import FtpcUser

SET_ASIDE = r'event=session-keys-set-aside as=(\S+) where=(\S+) reason="([^"]*)"'


class SessionsDbDamaged(EndToEndTest):
    def setUp(self):
        self.site = self.make_site()
        self.file = self.site.data / "sessions.db"
        self.user = FtpcUser(self.make_directory())

    def enrolled(self):
        server = self.start(self.site)
        self.site.configure(listen=server.address)  # where ftpc will look for it after a restart
        self.assertEqual(self.user.log_in(server).returncode, 0)
        return server

    def test_a_server_starts_with_it_and_users_log_in_again(self):
        def cut_in_front():
            self.file.write_bytes(self.file.read_bytes()[-60:])
            return "not of the form"

        def scribble():
            self.file.write_bytes(self.file.read_bytes() + b"\xff\x01\n")
            return "not of the form"

        def open_to_others():
            self.file.chmod(0o644)
            return "others can read or change it"

        for damage in (cut_in_front, scribble, open_to_others):
            with self.subTest(damage=damage.__name__):
                self.enrolled().stop()
                reason = damage()
                damaged = self.file.read_bytes()
                check = self.site.ftpcd("check")
                self.assertEqual(check.returncode, 1)
                self.assertIn(reason, check.stderr)
                server = self.start(self.site)
                match = server.log.wait_for(SET_ASIDE)
                self.assertIn(reason, match[3])
                self.assertRegex(match[2], r"\Asessions\.db(:\d+)?\Z")
                self.assertRegex(match[1], r"\Asessions\.db\.broken-\d{8}T\d{6}Z\Z")
                self.assertEqual((self.site.data / match[1]).read_bytes(), damaged)
                self.assertTrue(can_log_in(server.port))
                self.assertEqual(self.user.ftpc("mkdir", "x").returncode, 3, "the key is no longer good")
                self.assertEqual(self.user.log_in(server).returncode, 0)
                self.assertEqual(self.user.ftpc("status").returncode, 0)
                self.assertEqual(self.site.ftpcd("check").returncode, 0)
                server.stop()
                (self.site.data / match[1]).unlink()

    def test_a_last_line_that_is_cut_costs_that_line_alone(self):
        server = self.enrolled()
        other = FtpcUser(self.make_directory())
        self.assertEqual(other.log_in(server).returncode, 0)
        server.stop()
        self.file.write_bytes(self.file.read_bytes()[:-20])
        self.assertEqual(self.site.ftpcd("check").returncode, 0)
        server = self.start(self.site)
        self.assertEqual(self.user.ftpc("mkdir", "x").returncode, 0)
        self.assertEqual(other.ftpc("mkdir", "y").returncode, 3)
        self.assertEqual(other.log_in(server).returncode, 0)
        server.stop()
        server = self.start(self.site)
        for user in (self.user, other):
            self.assertEqual(user.ftpc("status").returncode, 0)
        self.assertNotIn("set-aside", server.log.text)

    def test_a_login_service_that_comes_back_does_the_same(self):
        server = self.enrolled()
        self.file.write_bytes(b"nonsense\n")
        os.kill(server.child("auth"), 9)
        server.log.wait_for(SET_ASIDE)
        until(lambda: can_log_in(server.port), "logins work again")

    def test_a_lost_users_db_is_still_noticed(self):
        server = self.enrolled()
        self.file.write_bytes(b"nonsense\n")
        server.stop()
        server = self.start(self.site)
        server.log.wait_for(SET_ASIDE)
        server.stop()
        self.site.users_db.unlink()
        done = self.site.ftpcd("serve")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(re.search("users.db.*put users.db back", done.stderr), done.stderr)


if __name__ == "__main__":
    unittest.main()
