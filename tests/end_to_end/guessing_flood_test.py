"""200 connections from 200 addresses guess passwords at once, at the cost of real hashes; users go on working."""
import contextlib
import multiprocessing
import statistics
import subprocess
import sys
import time
import unittest

from harness import FTPC, SANITIZED, EndToEndTest, scaled, timing, until
from control_client import connect, logged_in
from ftpc_client import FtpcUser

ATTACKERS = 200
MKDIRS = 500
RUNS = 100


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


@timing
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

    def mkdirs_one_by_one(self):
        """The seconds of each directory of a `ftpc mkdir -` that is told the next one when the last is made."""
        times = []
        with subprocess.Popen([FTPC, "mkdir", "-"], env=self.alice.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ftpc:
            for number in range(MKDIRS):
                begun = time.perf_counter()
                ftpc.stdin.write(f"d{number}\n".encode())
                ftpc.stdin.flush()
                self.assertEqual(ftpc.stdout.readline(), f"/d{number}\n".encode())
                times.append(time.perf_counter() - begun)
            ftpc.stdin.close()
            self.assertEqual(ftpc.wait(scaled(10)), 0)
        return sorted(times[1:])  # the first one waits for the login as well

    def whole_runs(self):
        """The seconds of each of some `ftpc mkdir NAME`: start, TLS, login by session key, directory, end."""
        times = []
        for number in range(RUNS):
            begun = time.perf_counter()
            done = self.alice.ftpc("mkdir", f"run{number}")
            times.append(time.perf_counter() - begun)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        return sorted(times)

    def logins(self):
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            logged_in(self.server.port, user="bob", source="127.0.1.1", seconds=30).close()
            times.append(time.perf_counter() - begun)
        return times

    def test_a_session_key_makes_directories_and_a_password_logs_in_meanwhile(self):
        mkdirs, runs, logins = self.mkdirs_one_by_one(), self.whole_runs(), self.logins()
        p99 = mkdirs[int(0.99 * len(mkdirs)) - 1]
        sys.stderr.write(f"{self.guesses.value} guesses; mkdir p99 {p99 * 1000:.1f} ms; ftpc runs: median {statistics.median(runs) * 1000:.1f} ms, "
                         f"longest {runs[-1] * 1000:.1f} ms; logins {[round(each, 2) for each in logins]} s\n")
        self.assertTrue(self.attack.is_alive())
        self.assertLess(p99, scaled(0.1))
        self.assertLess(statistics.median(runs), scaled(0.1))
        self.assertLess(max(logins), scaled(10))


if __name__ == "__main__":
    unittest.main()
