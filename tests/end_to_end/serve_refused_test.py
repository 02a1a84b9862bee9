"""Starts of `ftpcd serve` that are refused, each with one clear reason and exit status 1."""
import socket
import unittest

from harness import FTPCD, IS_ROOT, EndToEndTest, run
from control_client import can_log_in


class ServeRefused(EndToEndTest):
    def assert_refused(self, site, *parts, flags=()):
        done = site.ftpcd("serve", *flags)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("listening on", done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertRegex(done.stderr, r"\Aftpcd: ")
        return done

    def test_a_second_server_on_the_same_data(self):
        server = self.serve()
        done = self.assert_refused(server.site, f"is being served already by process {server.pid}")
        self.assert_one_line(done.stderr, str(server.site.data))
        self.assertTrue(can_log_in(server.port), "the first one is not disturbed")
        self.assertEqual(server.stop(), 0)
        self.start(server.site)

    def test_an_address_that_is_taken(self):
        site = self.make_site()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = self.assert_refused(site, flags=("--listen", address))
            self.assert_one_line(done.stderr, f"cannot listen on {address}: Address already in use")

    @unittest.skipUnless(IS_ROOT, "only a server that root starts changes to system users")
    def test_missing_system_users_with_the_command_that_makes_them(self):
        for setting in ("net-user", "auth-user"):
            done = self.assert_refused(self.make_site(), flags=(f"--{setting}", "nosuch"))
            self.assert_one_line(done.stderr, "there is no system user 'nosuch'", "useradd --system", " nosuch\n")

    @unittest.skipUnless(IS_ROOT, "only a server that root starts changes to system users")
    def test_root_and_the_same_user_twice_are_no_system_users(self):
        self.assert_refused(self.make_site(), "'root' is root", flags=("--net-user", "root"))
        self.assert_refused(self.make_site(), "two different users", flags=("--net-user", "ftpcd-auth"))

    def test_a_tree_that_is_not_there(self):
        site = self.make_site()
        self.assert_refused(site, "/nonexistent/tree: No such file or directory", flags=("--root", "/nonexistent/tree"))

    def test_a_data_directory_that_others_can_change(self):
        site = self.make_site()
        site.data.chmod(0o777)
        self.assert_refused(site, str(site.data), "chmod go-w")

    def test_a_broken_certificate(self):
        server = self.serve()
        site = server.site
        self.assertEqual(server.stop(), 0)
        good = site.certificate.read_bytes()
        for broken in [b"", b"not a certificate\n", good[:300], good.replace(b"MII", b"AAA", 1)]:
            site.certificate.write_bytes(broken)
            self.assert_refused(site, str(site.certificate))

    def test_a_private_key_that_others_can_read(self):
        server = self.serve()
        self.assertEqual(server.stop(), 0)
        key = server.site.data / "tls/key.pem"
        key.chmod(0o644)
        self.assert_refused(server.site, str(key), f"chmod 600 {key}")

    def test_several_wrong_settings_are_all_named(self):
        site = self.make_site()
        site.configure(scrypt="ln=99,r=8,p=1")
        with open(site.config, "a", encoding="utf-8") as config:
            config.write("unknown = 1\nunknown = 1\n")
        lines = site.config.read_text(encoding="utf-8").count("\n")
        done = site.ftpcd("serve", "--durability", "perhaps")
        self.assertEqual(done.returncode, 2)  # usage
        for part in (f"{site.config}:{lines - 2}: scrypt must be", f"{site.config}:{lines - 1}: there is no setting 'unknown'",
                     f"{site.config}:{lines}: unknown is given a second time, after {site.config}:{lines - 1}",
                     "--durability: durability must be group or none"):
            self.assertIn(part, done.stderr)

    def test_a_settings_file_that_is_not_there(self):
        done = run(FTPCD, "serve", "--config", "/nonexistent/ftpcd.conf")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/ftpcd.conf: No such file or directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
