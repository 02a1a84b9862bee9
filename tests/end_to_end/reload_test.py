"""SIGHUP: settings, certificate and users are read anew; a broken file changes nothing."""
import hashlib
import json
import signal
import time
import unittest

from harness import EndToEndTest, until
from control_client import can_log_in, connect, logged_in
from ftpc_client import FtpcUser


class Reload(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.site = self.server.site

    def reload(self):
        self.server.log.wait_for("event=reloaded", self.server.hang_up())

    def presented_certificate(self):
        with connect(self.server.port) as control:
            return hashlib.sha256(control.certificate()).hexdigest()

    def test_a_new_idle_timeout_holds_for_connections_that_are_open(self):
        with logged_in(self.server.port) as control:
            self.site.configure(idle_timeout="1s")
            self.reload()
            self.assertEqual(control.code("NOOP"), 200)
            self.assertEqual(control.reply().code, 421)

    def test_a_new_directory_mode_counts_at_once(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("MKD before"), 257)
            self.site.configure(directory_mode="0750")
            before = self.server.hang_up()
            self.server.log.wait_for("event=reloaded", before)
            # The order to the other process may still be under way.
            names = (f"after{i}" for i in range(10**6))

            def made_with_new_mode():
                name = next(names)
                self.assertEqual(control.code(f"MKD {name}"), 257)
                return (self.site.root / "alice" / name).stat().st_mode & 0o7777 == 0o750
            until(made_with_new_mode, "directories get the new mode")
        self.assertEqual((self.site.root / "alice/before").stat().st_mode & 0o7777, 0o755)

    def test_a_shorter_session_ttl_holds_for_new_keys(self):
        self.site.configure(session_ttl="1h")
        self.reload()
        user = FtpcUser(self.make_directory())
        done = user.log_in(self.server, "--json")
        self.assertEqual(done.returncode, 0)
        self.assertLess(json.loads(done.stdout)["expires"], time.time() + 3700)

    def test_a_replaced_certificate_is_shown_to_new_connections(self):
        old = self.presented_certificate()
        with logged_in(self.server.port) as control:
            for name in ("key.pem", "certificate.pem"):
                (self.site.data / "tls" / name).unlink()
            self.reload()
            until(lambda: self.presented_certificate() != old, "the new certificate is shown")
            self.assertEqual(control.code("NOOP"), 200, "who is connected already stays")

    def test_an_administrator_s_own_certificate_is_taken_by_settings(self):
        donor = self.serve(users=())
        self.site.configure(certificate=donor.site.certificate, key=donor.site.data / "tls/key.pem")
        self.reload()
        until(lambda: self.site.fingerprint() == donor.site.fingerprint(), "fingerprint follows the settings")
        with connect(donor.port) as control:
            wanted = hashlib.sha256(control.certificate()).hexdigest()
        until(lambda: self.presented_certificate() == wanted, "the other certificate is shown")

    def test_users_are_read(self):
        # Written through another name of the file, which the server's watch of the directory does not notice; only the regular
        # look does (without_inotify_test).
        other_name = self.site.directory / "users"
        other_name.hardlink_to(self.site.users_db)
        text = other_name.read_text(encoding="utf-8")
        other_name.write_text(text.replace("user alice ", "user carol "), encoding="utf-8")
        self.server.hang_up()
        until(lambda: not can_log_in(self.server.port), "alice is not there any more")

    def test_a_broken_setting_is_named_and_changes_nothing(self):
        old = self.presented_certificate()
        with logged_in(self.server.port) as control:
            with open(self.site.config, "a", encoding="utf-8") as config:
                config.write("idle-timeout = soon\nno-such-setting = 1\nnot a line\n")
            lines = self.site.config.read_text(encoding="utf-8").count("\n")
            before = self.server.hang_up()
            for line in range(lines - 2, lines + 1):
                self.server.log.wait_for(rf"event=setting-refused where=\S*ftpcd\.conf:{line} ", before)
            self.assertEqual(control.code("NOOP"), 200)
            self.assertTrue(can_log_in(self.server.port))
        self.assertEqual(self.presented_certificate(), old)
        self.assertNotIn("event=reloaded", self.server.log.text)
        self.site.configure()  # mended
        self.reload()

    def test_a_broken_certificate_is_named_and_the_old_one_stays(self):
        old = self.presented_certificate()
        certificate = self.site.certificate.read_text(encoding="utf-8")
        self.site.certificate.write_text(certificate[:200], encoding="utf-8")
        before = self.server.hang_up()
        self.server.log.wait_for(r"event=reload-refused .*certificate\.pem", before)
        self.assertEqual(self.presented_certificate(), old)
        self.assertTrue(can_log_in(self.server.port))

    def test_a_key_of_another_certificate_is_refused(self):
        donor = self.serve(users=())
        old = self.presented_certificate()
        self.site.configure(certificate=self.site.certificate, key=donor.site.data / "tls/key.pem")
        self.server.log.wait_for("event=reload-refused", self.server.hang_up())
        self.assertEqual(self.presented_certificate(), old)

    def test_settings_that_need_a_restart_are_said_to(self):
        self.site.configure(listen="127.0.0.1:1", root=str(self.site.data / "elsewhere"))
        before = self.server.hang_up()
        self.server.log.wait_for('event=setting-changes-at-restart settings="root, listen"', before)
        self.assertTrue(can_log_in(self.server.port))

    def test_many_hang_ups_in_a_row_do_no_harm(self):
        with logged_in(self.server.port) as control:
            for _ in range(50):
                self.server.process.send_signal(signal.SIGHUP)
                self.assertEqual(control.code("NOOP"), 200)
        until(lambda: can_log_in(self.server.port), "logins work")
        self.assertNotIn("child-ended", self.server.log.text)


if __name__ == "__main__":
    unittest.main()
