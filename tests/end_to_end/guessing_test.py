"""Guessing passwords soon gets slow for the guesser, and keeps no user out."""
import concurrent.futures
import os
import re
import signal
import time
import unittest

from harness import PASSWORD, EndToEndTest, SharedServerTest, timing, until
from control_client import Reply, connect, logged_in
from ftpc_client import FtpcUser

LIMITS = {"login_limit_address": "6", "login_limit_account": "12"}
REFUSED = Reply(530, "Login refused.")


def address(number):
    return f"127.0.1.{number}"


def guess(server, source, times, user="alice"):
    """So many wrong passwords from one address, on as many connections as that takes; the reply to each."""
    codes = []
    while len(codes) < times:
        with connect(server.port, source=source, seconds=60) as control:  # a slowed login waits, then for its hash
            for _ in range(min(2, times - len(codes))):
                codes.append(control.log_in(user, f"wrong {len(codes)}").code)
                if codes[-1] == 421:
                    break
    return codes


class Guessing(EndToEndTest):
    def setUp(self):
        self.server = self.serve(("alice", "bob"), **LIMITS)

    def wait_for_penalty_on_disk(self, source):
        """A moment may pass before auth writes its memory of logins."""
        file = self.server.site.data / "login-history"

        def there():
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            found = re.search(rf"^address {re.escape(source)} \d+ (\d+)$", text, re.MULTILINE)
            return found and int(found[1]) > time.time() * 1000 + 50_000
        until(there, f"the penalty of {source} is in login-history")

    def attack(self, user, attackers):
        """Two guesses from each of so many addresses, all at once: a slowed account makes each wait."""
        with concurrent.futures.ThreadPoolExecutor(attackers) as pool:
            for codes in pool.map(lambda number: guess(self.server, address(number), 2, user), range(1, attackers + 1)):
                self.assertEqual(codes, [530, 530])

    def test_an_address_that_guesses_is_refused_at_every_account_and_told_how_long(self):
        self.assertEqual(guess(self.server, address(1), 7), [530] * 7)
        for user in ("alice", "bob", "nobody"):
            with connect(self.server.port, source=address(1)) as control:
                answer = control.log_in(user)
                self.assertEqual(answer, Reply(421, "Too many refused logins from your address; try again in 1 minute."))
                self.assertTrue(control.ended())
        self.server.log.wait_for(r"event=limit-hit limit=login-limit-address peer=127\.0\.1\.1 seconds=60$")
        self.server.log.wait_for(r"event=login user=alice peer=127\.0\.1\.1 method=password result=limited "
                                 r'reason="too many refused logins from this address"')

    def test_others_get_in_meanwhile(self):
        guess(self.server, address(1), 7)
        logged_in(self.server.port, source=address(2)).close()

    def test_each_further_guess_costs_more_after_a_restart_too(self):
        guess(self.server, address(1), 7)
        self.wait_for_penalty_on_disk(address(1))
        self.assertEqual(self.server.stop(), 0)
        again = self.start(self.server.site)
        with connect(again.port, source=address(1)) as control:
            self.assertIn("try again in 1 minute", control.log_in().text)
        with connect(again.port, source=address(2)) as control:
            self.assertEqual(control.log_in().code, 230)

    def test_a_killed_auth_forgets_no_penalty(self):
        guess(self.server, address(1), 7)
        self.wait_for_penalty_on_disk(address(1))
        before = self.server.child("auth")
        os.kill(before, signal.SIGKILL)
        until(lambda: self.server.child("auth") not in (None, before), "auth is back")

        def answer():
            with connect(self.server.port, source=address(1)) as control:
                return control.log_in()
        until(lambda: answer().code == 421, "the address is still refused")

    @timing
    def test_an_attacked_account_lets_its_user_in_from_a_known_address_at_once_and_from_a_new_one_soon(self):
        logged_in(self.server.port, source=address(100)).close()  # known from now on
        self.attack("alice", attackers=10)
        self.server.log.wait_for(r"event=limit-hit limit=login-limit-account user=alice effect=delay")
        begun = time.monotonic()
        logged_in(self.server.port, source=address(100)).close()
        at_home = time.monotonic() - begun
        begun = time.monotonic()
        logged_in(self.server.port, source=address(101)).close()
        abroad = time.monotonic() - begun
        self.assertGreater(abroad, 5, "an unknown address waits as long as an account can be slowed")
        self.assertLess(at_home, abroad - 3)
        with connect(self.server.port, source=address(102)) as control:
            self.assertEqual(control.log_in("bob").code, 230, "another account is not concerned")

    @timing
    def test_a_name_that_does_not_exist_is_slowed_like_one_that_does(self):
        self.attack("nobody", attackers=10)
        begun = time.monotonic()
        self.assertEqual(guess(self.server, address(50), 1, user="nobody"), [530])
        self.assertGreater(time.monotonic() - begun, 2)

    def test_a_session_key_works_from_an_address_that_is_refused(self):
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(self.server).returncode, 0)
        guess(self.server, "127.0.0.1", 7)
        refused = user.log_in(self.server)
        self.assertEqual(refused.returncode, 4, "nobody is logged in from here now")
        self.assert_one_line(refused.stderr, "try again in 1 minute")
        done = user.ftpc("mkdir", "still-working")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "/still-working\n", ""))

    def test_a_user_who_mistypes_and_then_gets_it_right_is_not_counted(self):
        for _ in range(5):
            with connect(self.server.port, source=address(1)) as control:
                self.assertEqual(control.log_in(password="typo"), REFUSED)
                self.assertEqual(control.log_in(password="another typo"), REFUSED)
                self.assertEqual(control.log_in().code, 230)

    def test_a_good_login_of_ones_own_does_not_wash_guesses_at_others_clean(self):
        for i in range(7):
            with connect(self.server.port, source=address(1)) as control:
                self.assertEqual(control.log_in("alice", f"guess {i}"), REFUSED)
                self.assertEqual(control.log_in("bob").code, 230 if i < 6 else 421)


    @timing
    def test_replies_before_a_slowed_login_are_not_held_back_with_it(self):
        self.attack("alice", attackers=10)
        with connect(self.server.port, source=address(50)) as control:
            control.send("NOOP\r\nUSER alice\r\nPASS wrong")
            begun = time.monotonic()
            self.assertEqual([control.reply().code for _ in range(2)], [200, 331])
            before_login = time.monotonic() - begun
            self.assertEqual(control.reply().code, 530)
            self.assertLess(before_login, (time.monotonic() - begun) / 2)


class WithoutLimits(SharedServerTest):
    settings = {"login_limit_address": "0", "login_limit_account": "0"}

    def test_zero_is_no_limit(self):
        self.assertEqual(guess(self.server, "127.0.1.1", 40), [530] * 40)
        logged_in(self.server.port, password=PASSWORD, source="127.0.1.1").close()


class DamagedHistory(EndToEndTest):
    def test_a_damaged_history_is_set_aside_and_stops_nobody(self):
        site = self.make_site(**LIMITS)
        file = site.data / "login-history"
        server = self.start(site)
        logged_in(server.port).close()
        until(file.exists, "the history is written")
        server.stop()
        file.write_text("nonsense\n", encoding="utf-8")
        check = site.ftpcd("check")
        self.assertEqual(check.returncode, 1)
        self.assertIn(f"{file}: ", check.stderr)
        server = self.start(site)
        aside = server.log.wait_for(r"event=login-history-set-aside as=(\S+) reason=.* effect=")[1]
        self.assertEqual((site.data / aside).read_text(encoding="utf-8"), "nonsense\n")
        logged_in(server.port).close()
        until(lambda: "good " in file.read_text(encoding="utf-8"), "it is written anew")


if __name__ == "__main__":
    unittest.main()
