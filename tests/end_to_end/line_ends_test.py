"""Text files of other systems: line ends of CR LF, a byte-order mark, UTF-16. They are taken, or named for what they are."""
import unittest

from harness import PASSWORD, EndToEndTest, SharedServerTest, directories_in
from ftpc_client import FtpcUser

MARK = b"\xef\xbb\xbf"


def with_cr(text):
    return text.replace(b"\n", b"\r\n")


TAKEN = {"CR LF": with_cr, "a byte-order mark": lambda text: MARK + text, "both": lambda text: MARK + with_cr(text)}
NAMED = {"UTF-16": (lambda text: text.decode().encode("utf-16"), "UTF-16"),
         "UTF-16 without a mark": (lambda text: text.decode().encode("utf-16-le"), "NUL byte"),
         "a lone CR": (lambda text: text.replace(b"\n", b"\r"), "CR (\\r)"),
         "NUL bytes": (lambda text: text + b"\0" * 16, "NUL byte")}


class FilesOfTheServer(EndToEndTest):
    def check(self, site):
        return site.ftpcd("check")

    def assert_named_once(self, done, file, words):
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [line for line in done.stderr.splitlines() if file in line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn(words, lines[0])

    def test_users_and_settings_of_any_line_end_are_taken(self):
        site = self.make_site(users=("alice", "bob"))
        server = self.start(site)
        user = FtpcUser(self.make_directory())
        for what, change in TAKEN.items():
            with self.subTest(what=what):
                good = {file: file.read_bytes() for file in (site.users_db, site.config)}
                for file, text in good.items():
                    file.write_bytes(change(text))
                self.assertEqual(site.ftpcd("user", "list").returncode, 0)
                self.assertNotIn("users.db", self.check(site).stderr)
                self.assertNotIn("ftpcd.conf", self.check(site).stderr)
                self.assertEqual(site.ftpcd("user", "quota", "bob", "7").returncode, 0)
                self.assertIn("7", site.ftpcd("user", "show", "bob").stdout)
                server.hang_up()
                self.assertEqual(user.log_in(server).returncode, 0)
                for file, text in good.items():
                    file.write_bytes(text)

    def test_other_users_and_settings_are_named_once(self):
        site = self.make_site(users=("alice", "bob"))
        self.start(site).stop()
        for what, (change, words) in NAMED.items():
            for file in (site.users_db, site.config):
                with self.subTest(what=what, file=file.name):
                    good = file.read_bytes()
                    file.write_bytes(change(good))
                    self.assert_named_once(self.check(site), file.name, words)
                    file.write_bytes(good)

    def test_session_keys_and_logins_outlive_a_change_of_line_ends(self):
        site = self.make_site()
        user = FtpcUser(self.make_directory())
        for what, change in TAKEN.items():
            server = self.start(site)
            self.assertEqual(user.log_in(server, trust=("--pin", site.fingerprint())).returncode, 0)
            port = server.port
            self.assertEqual(server.stop(), 0)
            for name in ("sessions.db", "login-history"):
                file = site.data / name
                file.write_bytes(change(file.read_bytes()))
            self.assertNotIn("sessions.db", self.check(site).stderr)
            self.assertNotIn("login-history", self.check(site).stderr)
            server = self.start(site, "--listen", f"127.0.0.1:{port}")
            done = user.ftpc("mkdir", what.replace(" ", "-"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(server.stop(), 0)

    def test_certificate_and_key_of_any_line_end_are_taken(self):
        site = self.make_site()
        self.start(site).stop()
        fingerprint = site.fingerprint()
        for what, change in TAKEN.items():
            with self.subTest(what=what):
                for file in (site.certificate, site.data / "tls/key.pem"):
                    good = file.read_bytes()
                    file.write_bytes(change(good))
                    self.assertEqual(site.fingerprint(), fingerprint)
                    self.assertEqual(self.start(site).stop(), 0)
                    file.write_bytes(good)

    def test_a_certificate_in_utf_16_is_named(self):
        site = self.make_site()
        self.start(site).stop()
        for file in (site.certificate, site.data / "tls/key.pem"):
            good = file.read_bytes()
            file.write_bytes(good.decode().encode("utf-16"))
            self.assert_named_once(self.check(site), file.name, "UTF-16")
            file.write_bytes(good)

    def test_a_password_of_a_file_is_the_same_with_every_line_end(self):
        site = self.make_site()
        server = self.start(site)
        user = FtpcUser(self.make_directory())
        password = PASSWORD.encode() + b"\n"
        for number, (what, change) in enumerate({"LF": bytes, **TAKEN, "none": bytes.rstrip}.items()):
            with self.subTest(what=what):
                done = site.ftpcd("user", "add", f"u{number}", "--password-stdin", input=change(password))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(user.log_in(server, user=f"u{number}").returncode, 0)
                done = user.ftpc("login", f"alice@{server.address}", "--accept-new", "--password-stdin", input=change(password))
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_password_in_utf_16_is_none(self):
        site = self.make_site()
        server = self.start(site)
        user = FtpcUser(self.make_directory())
        for encoding in ("utf-16", "utf-16-le"):
            text = (PASSWORD + "\n").encode(encoding)
            done = site.ftpcd("user", "add", "carol", "--password-stdin", input=text)
            self.assertEqual(done.returncode, 1)
            self.assert_one_line(done.stderr, "the password is not valid UTF-8")
            done = user.ftpc("login", f"alice@{server.address}", "--accept-new", "--password-stdin", input=text)
            self.assertEqual(done.returncode, 3)
            self.assert_one_line(done.stderr, "the password is not valid UTF-8")


class FilesOfTheClient(SharedServerTest):
    def setUp(self):
        self.user = FtpcUser(self.make_directory())
        self.assertEqual(self.user.log_in(self.server).returncode, 0)

    def test_known_servers_and_sessions_of_any_line_end_are_taken(self):
        for what, change in TAKEN.items():
            for name in ("known_servers", "sessions"):
                with self.subTest(what=what, file=name):
                    file = self.user.state / name
                    good = file.read_bytes()
                    file.write_bytes(change(good))
                    done = self.user.ftpc("mkdir", "-p", "x")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(self.user.log_in(self.server).returncode, 0)
                    if name == "known_servers":
                        file.write_bytes(good)

    def test_other_files_are_named(self):
        for what, (change, words) in NAMED.items():
            for name in ("known_servers", "sessions"):
                with self.subTest(what=what, file=name):
                    file = self.user.state / name
                    good = file.read_bytes()
                    file.write_bytes(change(good + b"# one line more\n"))
                    done = self.user.ftpc("mkdir", "-p", "x")
                    self.assertEqual(done.returncode, 1)
                    self.assert_one_line(done.stderr, name, words)
                    file.write_bytes(good)

    def test_a_list_of_paths_of_any_line_end_is_taken(self):
        home = self.server.site.root / "alice"
        for number, (what, change) in enumerate({**TAKEN, "no last line end": bytes.rstrip}.items()):
            with self.subTest(what=what):
                names = {f"l{number}", f"l{number}/a b", f"l{number}/é"}
                before = directories_in(home)
                done = self.user.ftpc("mkdir", "-", input=change("\n".join(sorted(names)).encode() + b"\n"))
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(directories_in(home) - before, names)

    def test_a_list_of_paths_in_utf_16_makes_nothing_and_is_named(self):
        home = self.server.site.root / "alice"
        before = directories_in(home)
        done = self.user.ftpc("mkdir", "-", input="one\ntwo\n".encode("utf-16"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("UTF-16", done.stderr)
        self.assertEqual(directories_in(home), before)

    def test_paths_that_end_with_nul_are_taken_as_they_are(self):
        done = self.user.ftpc("mkdir", "-0", "-", input=b"a\r\0")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, "a\\x0d: control characters are not allowed in a name")


if __name__ == "__main__":
    unittest.main()
