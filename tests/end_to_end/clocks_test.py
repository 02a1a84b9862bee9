"""A wrong clock, at the start or for a while, loses nothing, and keeps nothing good for longer than it should be."""
import datetime
import os
import ssl
import time
import unittest

from harness import EndToEndTest, run, until
from control_client import can_log_in, connect
from ftpc_client import FtpcUser
from shifted_clock import DAY, ShiftedClock

FAR = 1000 * DAY


class Clocks(EndToEndTest):
    def setUp(self):
        self.site = self.make_site(("alice", "bob"))
        self.clock = ShiftedClock(self.site.directory)
        self.user = FtpcUser(self.make_directory())

    def serve_ahead_by(self, seconds):
        """The server, always at the same address, where ftpc looks for it."""
        self.clock.set_ahead_by(seconds)
        server = self.start(self.site, env=self.clock.environment)
        self.site.configure(listen=server.address)
        return server

    def stop(self, server):
        self.assertEqual(server.stop(), 0)

    def ftpcd(self, *words):
        return self.site.ftpcd(*words, env=self.clock.environment)

    def log_in(self, server):
        done = self.user.log_in(server)
        self.assertEqual(done.returncode, 0, done.stderr)


class SessionKeys(Clocks):
    def test_a_start_with_a_clock_that_is_ahead_costs_no_key(self):
        server = self.serve_ahead_by(0)
        self.log_in(server)
        self.stop(server)
        server = self.serve_ahead_by(FAR)
        self.assertEqual(self.user.ftpc("mkdir", "ahead").returncode, 3)
        self.site.add_user("carol")
        server.log.wait_for("event=users-read users=3")
        with connect(server.port) as control:  # an enrolment writes the file
            self.assertEqual(control.log_in("bob").code, 230)
            self.assertEqual(control.code(f"SITE SESSION NEW {'B' * 42}E"), 200)
        self.stop(server)
        self.serve_ahead_by(0)
        done = self.user.ftpc("mkdir", "right")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_key_that_was_made_while_the_clock_was_ahead_does_not_outlive_it(self):
        server = self.serve_ahead_by(FAR)
        self.log_in(server)
        self.assertEqual(self.user.ftpc("mkdir", "ahead").returncode, 0)
        self.stop(server)
        self.serve_ahead_by(0)
        self.assertEqual(self.user.ftpc("mkdir", "right").returncode, 3)
        self.assertIn("session keys  none", self.ftpcd("user", "show", "alice").stdout)
        self.assertIn("which is yet to come: the clock was ahead then", self.ftpcd("why", "alice").stdout)
        with connect(server.port) as control:
            self.assertEqual(control.log_in().code, 230)
            self.assertNotIn("CREATED", control.ask("SITE SESSION LIST").text)

    def test_a_shorter_session_ttl_holds_for_keys_that_are_there(self):
        server = self.serve_ahead_by(0)
        self.log_in(server)
        self.site.configure(session_ttl="1h")
        server.log.wait_for("event=reloaded", server.hang_up())
        self.assertEqual(self.user.ftpc("mkdir", "before").returncode, 0)
        with connect(server.port) as control:
            self.assertEqual(control.log_in().code, 230)
            expires = int(control.ask("SITE SESSION LIST").text.split("EXPIRES ")[1].split()[0])
        self.assertLessEqual(expires, time.time() + 3600)
        self.clock.set_ahead_by(3700)
        self.assertEqual(self.user.ftpc("mkdir", "after").returncode, 3)

    def test_a_clock_that_jumps_and_comes_back_ends_nothing(self):
        server = self.serve_ahead_by(0)
        self.log_in(server)
        with connect(server.port) as control:
            self.assertEqual(control.log_in().code, 230)
            for shift in (8 * DAY, -2 * DAY, 3 * FAR, -2_000_000_000):  # the last: before 1970
                with self.subTest(shift=shift):
                    self.clock.set_ahead_by(shift)
                    before = server.log_size()
                    self.site.ftpcd("user", "quota", "bob", str(1000 + abs(shift))).check_returncode()
                    server.log.wait_for("event=users-read", before)
                    self.assertEqual(control.code("NOOP"), 200)
                    self.assertTrue(can_log_in(server.port, "bob"))
                    self.clock.set_ahead_by(0)
                    self.assertEqual(self.user.ftpc("mkdir", f"after{shift}").returncode, 0)
        self.assertNotIn("event=child-ended", server.log.text)
        self.stop(server)
        server = self.serve_ahead_by(0)
        self.assertNotIn("set-aside", server.log.text)


class Limits(Clocks):
    def test_an_address_that_failed_while_the_clock_was_ahead_is_not_refused_until_then(self):
        self.site.configure(login_limit_address=3, login_limit_account=3)
        server = self.serve_ahead_by(FAR)
        for _ in range(5):
            with connect(server.port, source="127.0.0.9") as control:
                control.log_in("alice", "wrong")
        self.stop(server)
        year = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1000)).year
        self.clock.set_ahead_by(0)
        said = self.ftpcd("why", "alice").stdout
        self.assertIn("by password from 127.0.0.9 until ", said)
        self.assertNotRegex(said, f"until {year}")
        server = self.serve_ahead_by(0)
        with connect(server.port, source="127.0.0.9") as control:
            refused = control.log_in("bob")
            self.assertEqual(refused.code, 421)
            self.assertRegex(refused.text, r"in (\d|[1-5]\d|60) minutes?\.")


class Certificates(Clocks):
    def not_before(self, server):
        with connect(server.port) as control:
            der = control.certificate()
        shown = run("openssl", "x509", "-inform", "DER", "-noout", "-startdate", input=der).stdout
        return ssl.cert_time_to_seconds(shown.strip().partition("=")[2])

    def test_one_that_was_made_while_the_clock_was_ahead_is_named_and_made_anew_with_its_key(self):
        server = self.serve_ahead_by(FAR)
        fingerprint = self.site.fingerprint()
        self.stop(server)
        self.clock.set_ahead_by(0)
        check = self.ftpcd("check")
        self.assertEqual(check.returncode, 1)
        self.assert_one_line(check.stderr, f"{self.site.certificate}: is not valid before ", "makes it anew with the same key")
        server = self.serve_ahead_by(0)
        # A day of the past is for clients whose clock is behind.
        self.assertLess(abs(self.not_before(server) + DAY - time.time()), 3600)
        self.assertEqual(self.site.fingerprint(), fingerprint)
        self.assertEqual(self.ftpcd("check").returncode, 0)

    def test_a_running_server_notices_that_the_clock_was_set_right(self):
        server = self.serve_ahead_by(FAR)
        self.assertGreater(self.not_before(server), time.time())
        self.clock.set_ahead_by(0)
        os.kill(server.child("auth"), 9)  # the supervisor looks once a minute, and when anything happens
        server.log.wait_for("event=certificate-renewed")
        until(lambda: self.not_before(server) < time.time(), "clients are shown the new one")

    def test_a_clock_that_is_far_behind_makes_no_good_certificate_anew(self):
        server = self.serve_ahead_by(0)
        self.stop(server)
        good = self.site.certificate.read_bytes()
        self.stop(self.serve_ahead_by(-1_700_000_000))  # 1973
        self.assertEqual(self.site.certificate.read_bytes(), good)

    def test_one_of_the_administrators_that_is_not_valid_is_named(self):
        own = self.make_directory()
        run("openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost", "-days", "10", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-keyout", own / "key.pem", "-out", own / "certificate.pem").check_returncode()
        flags = ("--certificate", str(own / "certificate.pem"), "--key", str(own / "key.pem"))
        self.stop(self.serve_ahead_by(0))
        self.assertEqual(self.ftpcd("check", *flags).returncode, 0)
        for shift, said in ((-DAY, "is not valid before "), (20 * DAY, "has expired at ")):
            self.clock.set_ahead_by(shift)
            check = self.ftpcd("check", *flags)
            self.assertEqual(check.returncode, 1)
            self.assert_one_line(check.stderr, f"{own}/certificate.pem: {said}", "put another in its place")


if __name__ == "__main__":
    unittest.main()
