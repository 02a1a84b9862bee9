"""SITE TIME: the server tells its clock inside TLS, before a login and after it."""
import re
import time
import unittest

from harness import EndToEndTest, SharedServerTest, scaled
from control_client import Control, connect, logged_in

ANSWER = re.compile(r"TIME (\d+\.\d{9}) (\d+\.\d{9}) (synchronised|unsynchronised|local) (\d+) (-?\d+)")


def time_of(control):
    """The five words behind TIME, and the two times as numbers."""
    answer = control.ask("SITE TIME")
    match = ANSWER.fullmatch(answer.text)
    if answer.code != 200 or match is None:
        raise AssertionError(f"SITE TIME: {answer}")
    return float(match[1]), float(match[2]), match[3], int(match[4]), int(match[5])


class SiteTime(SharedServerTest):
    settings = {"time-zone": "Asia/Kolkata"}

    def test_it_is_told_before_a_login_and_after_it(self):
        for open_connection in (connect, logged_in):
            with open_connection(self.server.port) as control:
                before = time.time()
                received, sent, _, _, offset = time_of(control)
                after = time.time()
                # A float of such a size has a step of a quarter of a microsecond.
                self.assertLessEqual(before - 1e-6, received)
                self.assertLessEqual(received, sent)
                self.assertLessEqual(sent, after + 1e-6)
                self.assertEqual(offset, 19800)

    def test_it_is_not_told_in_clear_and_takes_no_argument(self):
        with Control(self.server.port) as control:
            self.assertEqual(control.code("SITE TIME"), 534)
        with connect(self.server.port) as control:
            self.assertEqual(control.code("SITE TIME now"), 501)

    def test_the_features_and_the_help_name_it(self):
        with connect(self.server.port) as control:
            self.assertIn("\n SITE TIME\n", control.ask("FEAT").text)
            self.assertIn("TIME", control.ask("SITE HELP").text.split())
            self.assertEqual(control.ask("HELP SITE TIME").text, "Syntax: SITE TIME")

    def test_it_is_no_refused_login(self):
        with connect(self.server.port) as control:
            for _ in range(2):
                self.assertEqual(control.log_in("alice", "wrong").code, 530)
            for _ in range(10):
                time_of(control)
            self.assertEqual(control.log_in().code, 230)

    def test_many_in_one_flight_are_answered_in_their_order(self):
        with connect(self.server.port) as control:
            answers = control.pipeline(["SITE TIME"] * 200)
            sent = [ANSWER.fullmatch(answer.text)[2] for answer in answers]
            self.assertEqual(sent, sorted(sent))

    def test_net_goes_on_in_its_lockdown(self):
        with connect(self.server.port) as control:
            time_of(control)
        self.assertNotIn("event=child-ended", self.server.log.text)


class TimeSettings(EndToEndTest):
    def test_a_standard_has_no_error_and_a_reload_makes_one(self):
        server = self.serve()
        with connect(server.port) as control:
            self.assertNotEqual(time_of(control)[2], "local")
        server.site.configure(time_source="local")
        server.log.wait_for("event=reloaded", server.hang_up())
        with connect(server.port) as control:
            self.assertEqual(time_of(control)[2:4], ("local", 0))

    def test_an_unknown_zone_is_named_by_check_and_at_the_start(self):
        site = self.make_site()
        site.configure(time_zone="Europe/Nowhere")
        for subcommand, status in (("check", 1), ("serve", 2)):
            done = site.ftpcd(subcommand)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn("time-zone: there is no zone 'Europe/Nowhere'", done.stderr)

    def test_another_zone_waits_for_the_next_start(self):
        server = self.serve(time_zone="Asia/Kolkata")
        server.site.configure(time_zone="Europe/Berlin")
        server.log.wait_for("time-zone", server.hang_up())
        with connect(server.port) as control:
            self.assertEqual(time_of(control)[4], 19800)

    def test_it_gives_a_connection_no_more_time_for_its_login(self):
        server = self.serve(login_timeout="1s")
        with connect(server.port) as control:
            deadline = time.monotonic() + scaled(15)
            answer = control.ask("SITE TIME")
            while answer.code == 200 and time.monotonic() < deadline:
                answer = control.ask("SITE TIME")
            self.assertEqual(answer.code, 421, answer)


if __name__ == "__main__":
    unittest.main()
