"""ftpc time: the server's clock for a machine whose own is wrong, without a login."""
import datetime
import json
import subprocess
import time
import unittest

from harness import FTPC, SANITIZED, EndToEndTest, Log, scaled, timing
from faked_clock import HOUR, LIBRARY, FakedClock
from ftpc_client import FtpcUser

ASKED = r"event=disconnected .*reason=Goodbye"


def time_of_day(moment):
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%H:%M:%S")


class TimeTest(EndToEndTest):
    """The server is the standard, in UTC. Its clock is that of the test."""

    settings = {"time-source": "local", "time-zone": "UTC"}

    def setUp(self):
        self.server = self.serve(users=(), **self.settings)
        self.user = FtpcUser(self.make_directory())
        self.user.environment["FTPC_SERVER"] = self.server.address

    def ask(self, *words):
        return self.user.ftpc("time", "--accept-new", *words)

    def assert_asked(self, done, status=0):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def begin_wait(self, moment, *words):
        """A wait for `moment` that has asked its first question."""
        before = self.server.log_size()
        process = subprocess.Popen([FTPC, "time", "--accept-new", "--wait-until", time_of_day(moment), *words],
                                   env=self.user.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        process.log = Log(process.stderr)
        self.server.log.wait_for(ASKED, before)
        return process

    def soon(self):
        """A whole second, far enough away for several questions."""
        return int(time.time() + scaled(3)) + 1


class Shown(TimeTest):
    def test_the_time_is_shown_without_a_login_as_date_does(self):
        before = int(time.time())
        told = int(self.assert_asked(self.ask("+%s")).stdout)
        self.assertTrue(before <= told <= time.time())
        self.assertRegex(self.assert_asked(self.ask()).stdout, r"\A\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \+00 \d{4}\n\Z")
        self.assertRegex(self.assert_asked(self.ask("+%F %T.%3N %Z", "--utc")).stdout, r"\A[\d-]{10} [\d:]{8}\.\d{3} UTC\n\Z")

    def test_it_is_the_zone_of_the_server(self):
        self.server.stop()
        self.server.site.configure(time_zone="Asia/Kolkata")
        self.user.environment["FTPC_SERVER"] = self.start(self.server.site).address
        self.assertEqual(self.assert_asked(self.ask("+%z")).stdout, "+0530\n")

    def test_json_has_all_that_is_known(self):
        said = json.loads(self.assert_asked(self.ask("--json")).stdout)
        self.assertEqual(set(said), {"server", "time", "zone_offset", "offset", "bound", "state", "max_error", "text"})
        self.assertEqual((said["state"], said["max_error"], said["zone_offset"]), ("local", 0, 0))
        self.assertLess(abs(said["offset"]), said["bound"] + 0.001)

    @timing
    @unittest.skipIf(SANITIZED, "a sanitizer makes the answers slow")
    def test_the_offset_is_known_to_less_than_a_third_of_a_millisecond_on_one_machine(self):
        bounds = [json.loads(self.assert_asked(self.ask("--offset", "--json")).stdout)["bound"] for _ in range(5)]
        self.assertLessEqual(min(bounds), 0.0003, bounds)

    def test_a_server_that_is_gone_is_unreachable(self):
        self.assert_asked(self.ask())
        self.server.stop()
        self.assert_asked(self.ask(), 4)

    def test_a_server_that_is_not_known_is_not_trusted(self):
        done = self.user.ftpc("time")
        self.assert_asked(done, 5)
        self.assertEqual(done.stdout, "")


class WrongClock(TimeTest):
    def setUp(self):
        if SANITIZED or LIBRARY is None:
            self.skipTest("libfaketime is not here, or does not go with a sanitizer")
        super().setUp()
        self.clock = FakedClock(self.make_directory())
        self.user.environment.update(self.clock.environment)

    def assert_waits(self, process, moment):
        """The wait ends with 0, and not before its moment."""
        status = process.wait(scaled(30))
        ended = time.time()
        self.assertEqual(status, 0, process.log.text)
        self.assertGreaterEqual(ended, moment)

    def test_the_offset_is_that_of_a_clock_an_hour_slow_or_fast(self):
        for ahead in (-HOUR, HOUR):
            self.clock.set_ahead_by(ahead)
            said = json.loads(self.assert_asked(self.ask("--offset", "--json")).stdout)
            self.assertLess(abs(said["offset"] + ahead), said["bound"] + 0.001)
            words = self.assert_asked(self.ask("--offset")).stdout
            self.assertRegex(words, r"\A\+3[56]" if ahead < 0 else r"\A-3[56]")
            self.assertRegex(words, r" \+/- \d+\.\d{6} s; 127\.0\.0\.1:\d+ is local\n\Z")

    def test_a_check_finds_a_clock_that_is_an_hour_slow_or_fast(self):
        self.assertEqual(self.assert_asked(self.ask("--check", "10s")).stdout, "")
        for ahead, said in ((-HOUR, r"is 3\d{3}\.\d{6} s behind "), (HOUR, r"is 3\d{3}\.\d{6} s ahead of ")):
            self.clock.set_ahead_by(ahead)
            done = self.assert_asked(self.ask("--check", "500ms"), 1)
            self.assertRegex(done.stderr, said)
            self.assert_asked(self.ask("--check", "2h"))

    def test_a_wait_ends_at_the_time_of_the_server(self):
        for ahead in (-HOUR, HOUR):
            with self.subTest(ahead=ahead):
                self.clock.set_ahead_by(ahead)
                moment = self.soon()
                self.assert_waits(self.begin_wait(moment), moment)

    def test_a_clock_that_jumps_during_a_wait_does_not_matter(self):
        for ahead in (HOUR, -HOUR):
            with self.subTest(ahead=ahead):
                self.clock.set_ahead_by(0)
                moment = self.soon()
                process = self.begin_wait(moment)
                self.clock.set_ahead_by(ahead)
                self.assert_waits(process, moment)

    def test_a_job_of_a_machine_an_hour_slow_is_late(self):
        self.clock.set_ahead_by(-HOUR)
        begun = time.time() - 50 * 60
        done = self.assert_asked(self.ask("--wait-until", time_of_day(begun)), 1)
        self.assertRegex(done.stderr, r"was 50 min( \d+ s)? ago, so the time is not waited for")
        self.assert_asked(self.ask("--wait-until", time_of_day(begun), "--late", "49m"), 1)
        self.assert_asked(self.ask("--wait-until", time_of_day(begun), "--late", "2h"))

    def test_the_dates_of_a_certificate_do_not_count_for_the_time(self):
        self.clock.set_ahead_by(-30 * 365 * 24 * HOUR)
        by_ca = ("--ca", str(self.server.site.certificate))
        refused = self.user.log_in(self.server, trust=by_ca)
        self.assertEqual(refused.returncode, 5)
        self.assertIn("not yet valid", refused.stderr)
        done = self.user.ftpc("time", *by_ca, "+%Y")
        self.assertEqual(self.assert_asked(done).stdout, f"{datetime.datetime.now(datetime.timezone.utc).year}\n")
        self.assertRegex(self.assert_asked(self.user.ftpc("time", "--offset")).stdout, r"\A\+9460\d{5}\.")

    def test_a_server_that_is_away_is_not_replaced_by_a_wrong_clock(self):
        self.clock.set_ahead_by(-HOUR)
        self.assert_asked(self.ask())
        self.server.stop()
        moment = time.time() - HOUR + 2  # by the clock of this machine
        self.assert_asked(self.ask("--wait-until", time_of_day(moment)), 4)
        done = self.assert_asked(self.ask("--wait-until", time_of_day(moment), "--or-local", "--late", "1m"))
        self.assertIn("the wait goes on by the clock of this machine", done.stderr)


class Waits(TimeTest):
    def test_a_server_that_goes_away_takes_the_job_with_it(self):
        process = self.begin_wait(self.soon())
        self.server.stop()
        self.assertEqual(process.wait(scaled(30)), 4, process.log.text)
        self.assertIn("cannot reach", process.log.text)

    def test_a_job_may_do_without_a_server_that_goes_away(self):
        moment = self.soon()
        process = self.begin_wait(moment, "--or-local")
        self.server.stop()
        self.assertEqual(process.wait(scaled(30)), 0, process.log.text)
        self.assertGreaterEqual(time.time(), moment)
        self.assertIn("the wait goes on by its last answer", process.log.text)

    def test_two_runs_in_one_night_make_one_job(self):
        moment = self.soon()
        both = [self.begin_wait(moment), self.begin_wait(moment)]
        self.assertEqual(sorted(process.wait(scaled(30)) for process in both), [0, 1])
        again = self.assert_asked(self.ask("--wait-until", time_of_day(moment), "--late", "1h"), 1)
        self.assertIn("was let through before", again.stderr)
        # Another job has a name of its own.
        self.assert_asked(self.ask("--wait-until", time_of_day(moment), "--late", "1h", "--job", "backup"))

    def test_a_restart_of_the_server_during_a_wait_does_not_matter(self):
        moment = self.soon() + 2
        process = self.begin_wait(moment)
        self.server.stop()
        self.server.site.configure(listen=self.server.address)
        self.start(self.server.site)
        self.assertEqual(process.wait(scaled(30)), 0, process.log.text)
        self.assertGreaterEqual(time.time(), moment)


if __name__ == "__main__":
    unittest.main()
