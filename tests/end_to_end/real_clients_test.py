"""Other people's FTP clients, over explicit TLS: lftp, curl, Python's ftplib, and tnftp behind a TLS relay."""
import ftplib
import ssl
import unittest
import urllib.parse

from harness import PASSWORD, run
from real_clients import NAMES, PLAIN_ENVIRONMENT, RealClientsTest, need, quoted_for_lftp
from relays import TlsRelay


class RealClients(RealClientsTest):
    users = ("ftplib", "lftp", "curl", "tnftp", "wrong")

    def test_ftplib(self):
        client = self.ftplib_client("ftplib")
        client.prot_p()
        for name in NAMES:
            self.assertEqual(client.mkd(name), "/" + name)
        self.assertEqual(client.pwd(), "/")
        client.cwd("资料与图片")
        self.assertEqual(client.mkd("below"), "/资料与图片/below")
        client.cwd("..")
        with self.assertRaisesRegex(ftplib.error_perm, "^521 "):
            client.mkd("plain")
        with self.assertRaisesRegex(ftplib.error_perm, "^502 "):
            client.rmd("plain")
        self.assertTrue(client.voidcmd("NOOP").startswith("200"))
        self.assertTrue(client.quit().startswith("221"))
        self.assertEqual(self.made_by("ftplib"), {*NAMES, "资料与图片/below"})

    def test_ftplib_with_a_wrong_password(self):
        client = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=self.certificate), timeout=20)
        client.connect("127.0.0.1", self.server.port)
        self.addCleanup(client.close)
        with self.assertRaisesRegex(ftplib.error_perm, "^530 Login refused"):
            client.login("wrong", "wrong")

    @need("lftp")
    def test_lftp(self):
        commands = [f"mkdir {quoted_for_lftp(name)}" for name in NAMES]
        done = self.lftp("lftp", PASSWORD, [*commands, "mkdir -p deep/er/资料", "cd deep", "mkdir beside", "pwd"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.made_by("lftp"), {*NAMES, "deep", "deep/er", "deep/er/资料", "deep/beside"})

    @need("lftp")
    def test_lftp_says_that_a_directory_is_there_or_the_login_was_refused(self):
        done = self.lftp("wrong", PASSWORD, ["mkdir once", "mkdir once"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("521", done.stderr)
        done = self.lftp("wrong", "wrong", ["mkdir twice"])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("530", done.stderr)

    def curl_without_listing(self, user, password, path, *flags):
        return self.curl(user, password, path, "-I", *flags)

    @need("curl")
    def test_curl_with_quoted_commands(self):
        flags = [flag for name in NAMES for flag in ("-Q", f"MKD {name}")]
        done = self.curl_without_listing("curl", PASSWORD, "", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.made_by("curl") & set(NAMES), set(NAMES))

    @need("curl")
    def test_curl_making_the_directories_of_an_address(self):
        names = ["create dirs", "100%", "图片", '"quoted"']
        done = self.curl_without_listing("curl", PASSWORD, "".join(urllib.parse.quote(name) + "/" for name in names), "--ftp-create-dirs")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/".join(names), self.made_by("curl"))

    @need("curl")
    def test_curl_with_a_wrong_password(self):
        done = self.curl_without_listing("wrong", "wrong", "", "-Q", "MKD x")
        self.assertEqual(done.returncode, 67, done.stderr)  # CURLE_LOGIN_DENIED

    @need("curl")
    def test_curl_without_tls_gets_nowhere(self):
        done = run("curl", "-q", "-sS", "-I", "--user", f"wrong:{PASSWORD}", f"ftp://127.0.0.1:{self.server.port}/", "-Q", "MKD clear",
                   env=PLAIN_ENVIRONMENT)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("clear", self.made_by("wrong"))

    def tnftp(self, user, password, commands):
        relay = TlsRelay(self.server.port)
        self.addCleanup(relay.close)
        script = "\n".join([f'user {user} "{password}"', *commands, "quit"]) + "\n"
        return run("tnftp", "-n", "-i", "-v", "127.0.0.1", str(relay.port), input=script, env=self.environment())

    @staticmethod
    def quoted_for_tnftp(name):
        # Its `mkdir` takes one word, in which a backslash makes the next character ordinary.
        return "".join("\\" + c if c in ' "\\' else c for c in name)

    @need("tnftp")
    def test_tnftp(self):
        commands = [f"mkdir {self.quoted_for_tnftp(name)}" for name in NAMES]
        done = self.tnftp("tnftp", PASSWORD, [*commands, "cd plain", "mkdir below", "pwd"])
        self.assertEqual(self.made_by("tnftp"), {*NAMES, "plain/below"}, done.stdout)
        self.assertIn('257 "/with ""quotes""" created.', done.stdout)
        self.assertIn("221 ", done.stdout)

    @need("tnftp")
    def test_tnftp_with_a_wrong_password(self):
        done = self.tnftp("wrong", "wrong", ["mkdir tnftp"])
        self.assertIn("530 Login refused.", done.stdout)
        self.assertNotIn("tnftp", self.made_by("wrong"))


if __name__ == "__main__":
    unittest.main()
