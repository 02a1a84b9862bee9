"""200 connections from 200 addresses guess passwords at once, at the cost of real hashes; users go on working."""
import contextlib
import multiprocessing
import sys
import time
import unittest

from harness import SANITIZED, EndToEndTest, scaled, until
from control_client import connect, logged_in
from ftpc_client import FtpcUser

ATTACKERS = 200
MKDIRS = 200


def guess_for_ever(port, first, count, begun):
    """In a process of its own: `count` threads, each an address that guesses, anew whenever it is thrown out."""
    import threading  # noqa: PLC0415

    def one(number):
        source = f"127.0.{number // 200 + 2}.{number % 200 + 1}"
        guesses = 0
        while True:
            with contextlib.suppress(OSError, AssertionError):
                with connect(port, source=source) as control:
                    while True:
                        guesses += 1
                        code = control.log_in("alice", f"guess {guesses}").code
                        with begun.get_lock():
                            begun.value += 1
                        if code != 530:
                            break
            time.sleep(0.05)  # thrown out: a guesser does not get faster by hammering

    threads = [threading.Thread(target=one, args=(first + i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class GuessingFlood(EndToEndTest):
    def setUp(self):
        self.server = self.serve(("alice", "bob"), scrypt=None if not SANITIZED else "ln=13,r=8,p=1",
                                 login_limit_address=None, login_limit_account=None, max_unauthenticated="400")
        self.alice = FtpcUser(self.make_directory())
        self.assertEqual(self.alice.log_in(self.server).returncode, 0)
        # bob has been here before, from this address, which is none of the attackers'.
        logged_in(self.server.port, user="bob", source="127.0.1.1").close()
        self.guesses = multiprocessing.Value("q", 0)
        context = multiprocessing.get_context("fork")
        self.attack = context.Process(target=guess_for_ever, args=(self.server.port, 0, ATTACKERS, self.guesses), daemon=True)
        self.attack.start()
        self.addCleanup(self.end_attack)
        until(lambda: self.guesses.value > 10, "guesses are answered", 60)

    def end_attack(self):
        self.attack.kill()
        self.attack.join()

    def test_a_session_key_makes_directories_and_a_password_logs_in_meanwhile(self):
        times = []
        for number in range(MKDIRS):
            begun = time.perf_counter()
            done = self.alice.ftpc("mkdir", f"d{number}")
            times.append(time.perf_counter() - begun)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        p99 = sorted(times)[int(0.99 * len(times)) - 1]
        logins = []
        for _ in range(3):
            begun = time.perf_counter()
            logged_in(self.server.port, user="bob", source="127.0.1.1", seconds=30).close()
            logins.append(time.perf_counter() - begun)
        sys.stderr.write(f"{self.guesses.value} guesses; ftpc mkdir: median {sorted(times)[len(times) // 2] * 1000:.1f} ms, "
                         f"p99 {p99 * 1000:.1f} ms; logins {[round(each, 2) for each in logins]} s\n")
        self.assertTrue(self.attack.is_alive())
        self.assertLess(p99, scaled(0.1))
        self.assertLess(max(logins), scaled(10))


if __name__ == "__main__":
    unittest.main()
