"""The servers that ftpc trusts: pins, known servers, a certificate authority, and its refusal of a changed one."""
import re
import unittest

from harness import FTPC, PASSWORD, EndToEndTest, directories_in
from ftpc_client import FtpcUser, Terminal

OTHER_PIN = "SHA256:" + "A" * 43


class FtpcTrust(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.user = FtpcUser(self.make_directory())

    def known_servers(self):
        return (self.user.state / "known_servers").read_text(encoding="utf-8")

    def change_certificate(self, server=None):
        """The administrator makes a new key; returns the new fingerprint."""
        server = server or self.server
        for name in ("key.pem", "certificate.pem"):
            (server.site.data / "tls" / name).unlink()
        before = server.hang_up()
        server.log.wait_for("event=reloaded", before)
        return server.site.fingerprint()

    def test_accept_new_remembers_the_server(self):
        self.assertEqual(self.user.log_in(self.server).returncode, 0)
        self.assertIn(self.server.address, self.known_servers())
        self.assertIn(self.server.site.fingerprint(), self.known_servers())
        self.assertEqual(self.user.log_in(self.server, trust=()).returncode, 0)

    def test_the_right_pin_is_trusted(self):
        done = self.user.log_in(self.server, trust=("--pin", self.server.site.fingerprint()))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.user.ftpc("mkdir", "x").returncode, 0)

    def test_a_wrong_pin_is_not_trusted_and_nothing_is_sent(self):
        done = self.user.log_in(self.server, trust=("--pin", OTHER_PIN))
        self.assertEqual(done.returncode, 5)
        self.assertIn(f"its key fingerprint is {self.server.site.fingerprint()}, not {OTHER_PIN}", done.stderr)
        self.assertFalse((self.user.state / "known_servers").exists())

    def test_a_certificate_authority_vouches_for_the_server(self):
        done = self.user.log_in(self.server, trust=("--ca", str(self.server.site.certificate)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.user.ftpc("mkdir", "by-ca").returncode, 0)

    def test_another_authority_does_not(self):
        other = self.serve(users=())
        done = self.user.log_in(self.server, trust=("--ca", str(other.site.certificate)))
        self.assertEqual(done.returncode, 5)
        self.assertIn("does not vouch for it", done.stderr)

    def test_a_file_without_a_certificate_is_no_authority(self):
        file = self.user.home / "ca.pem"
        file.write_text("no certificate\n", encoding="utf-8")
        done = self.user.log_in(self.server, trust=("--ca", str(file)))
        self.assertEqual(done.returncode, 5)
        self.assertIn("no certificate or crl found", done.stderr)

    def test_an_authority_does_not_vouch_for_a_name_that_is_not_in_the_certificate(self):
        server = self.serve(listen="127.0.0.77:0")
        done = self.user.log_in(server, trust=("--ca", str(server.site.certificate)))
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("does not vouch for it", done.stderr)

    def test_a_changed_certificate_is_refused_with_advice(self):
        self.user.log_in(self.server)
        old = self.server.site.fingerprint()
        new = self.change_certificate()
        self.assertNotEqual(old, new)
        for words in (["mkdir", "x"], ["status"], ["login", f"alice@{self.server.address}", "--password-stdin", "--accept-new"]):
            done = self.user.ftpc(*words, input=PASSWORD + "\n")
            self.assertEqual(done.returncode, 5, words)
            self.assertIn("has another key than before, so nothing was sent to it", done.stderr)
            self.assertRegex(done.stderr, rf"(?s)known since .*{re.escape(old)}.*now:.*{re.escape(new)}")
            self.assertIn(f"--pin {new}", done.stderr)
        self.assertEqual(directories_in(self.server.site.root / "alice"), set())
        done = self.user.log_in(self.server, trust=("--pin", new))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.user.ftpc("mkdir", "x").returncode, 0)

    def test_a_renewed_certificate_of_the_same_key_is_the_same_server(self):
        self.user.log_in(self.server)
        pin = self.server.site.fingerprint()
        before_renewal = self.server.site.certificate.read_bytes()
        self.server.site.certificate.unlink()
        before = self.server.hang_up()
        self.server.log.wait_for("event=reloaded", before)
        self.assertNotEqual(self.server.site.certificate.read_bytes(), before_renewal)
        self.assertEqual(self.server.site.fingerprint(), pin)
        self.assertEqual(self.user.ftpc("mkdir", "x").returncode, 0)

    def test_another_user_store_under_the_same_key_gets_no_password(self):
        self.user.log_in(self.server)
        self.server.stop()
        site = self.server.site
        users = site.users_db.read_text(encoding="utf-8")
        site.users_db.write_text(re.sub("(?m)^realm .*$", "realm collected-elsewhere", users), encoding="utf-8")
        site.configure(listen=self.server.address)
        self.start(site)
        done = self.user.log_in(self.server)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("another realm", done.stderr)
        self.assertIn("collected-elsewhere", done.stderr)

    def test_at_a_terminal_the_user_is_asked(self):
        command = [FTPC, "login", f"alice@{self.server.address}"]
        with Terminal(*command, env=self.user.environment) as terminal:
            terminal.wait_for("Trust it from now on? [y/N] ")
            self.assertIn(self.server.site.fingerprint(), terminal.seen)
            terminal.type("n\n")
            self.assertEqual(terminal.wait(), 5)
        self.assertFalse((self.user.state / "known_servers").exists())
        with Terminal(*command, env=self.user.environment) as terminal:
            terminal.wait_for("Trust it from now on? [y/N] ")
            terminal.type("y\n")
            terminal.wait_for("Password for alice: ")
            terminal.type(PASSWORD + "\n")
            terminal.wait_for("Logged in as alice")
            self.assertEqual(terminal.wait(), 0)
        self.assertIn(self.server.address, self.known_servers())


if __name__ == "__main__":
    unittest.main()
