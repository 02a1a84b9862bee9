"""The time of an answer does not tell whether a name exists: 500 that do against 500 that do not."""
import bisect
import hashlib
import random
import statistics
import sys
import time
import unittest

from harness import SANITIZED, EndToEndTest, timing
from control_client import connect

NAMES = 500
# Two-sample Kolmogorov-Smirnov: with 500 against 500 the distance of equal distributions exceeds 0.2 once in some
# hundred million runs. A login that skips its hash is at 1.
MOST_DISTANCE = 0.2


def distance(a, b):
    """The greatest difference of the two empirical distribution functions."""
    a, b = sorted(a), sorted(b)
    return max(abs(bisect.bisect_right(a, x) / len(a) - bisect.bisect_right(b, x) / len(b)) for x in a + b)


@timing
class LoginTiming(EndToEndTest):
    def serve_names(self):
        """A server with NAMES users; their lines are that of one, since no password of theirs is ever right."""
        site = self.make_site(users=("alice",), scrypt="ln=14,r=8,p=1")
        lines = site.users_db.read_text(encoding="utf-8").splitlines()
        line = next(each for each in lines if "alice" in each)
        with open(site.users_db, "a", encoding="utf-8") as users:
            for name in self.known:
                users.write(line.replace("alice", name) + "\n")
                home = site.root / name
                home.mkdir()
        server = self.start(site)
        server.log.wait_for(rf"{NAMES + 1} users")
        return server

    def setUp(self):
        self.random = random.Random(1)
        names = [f"user{number:04d}" for number in self.random.sample(range(10000), 2 * NAMES)]
        self.known, self.unknown = names[:NAMES], names[NAMES:]
        self.server = self.serve_names()

    def measure(self):
        """The seconds of USER and of PASS for each name, known and unknown ones mixed."""
        order = [(name, True) for name in self.known] + [(name, False) for name in self.unknown]
        self.random.shuffle(order)
        took = {(command, known): [] for command in ("USER", "PASS") for known in (True, False)}
        control, used = None, 0
        for name, known in order:
            if control is None or used == 2:  # the third refusal ends a connection
                if control:
                    control.close()
                control, used = connect(self.server.port), 0
            for command, line, code in (("USER", f"USER {name}", 331), ("PASS", "PASS wrong", 530)):
                begun = time.perf_counter()
                answer = control.ask(line)
                took[command, known].append(time.perf_counter() - begun)
                self.assertEqual(answer.code, code)
            used += 1
        control.close()
        return took

    @unittest.skipIf(SANITIZED, "a sanitizer's times say nothing of a release's")
    def test_user_and_pass_take_as_long_for_a_name_that_exists_as_for_one_that_does_not(self):
        took = self.measure()
        for command in ("USER", "PASS"):
            found = distance(took[command, True], took[command, False])
            sys.stderr.write(f"{command}: median {statistics.median(took[command, True]) * 1000:.2f} ms against "
                             f"{statistics.median(took[command, False]) * 1000:.2f} ms, distance {found:.3f}\n")
            self.assertLess(found, MOST_DISTANCE, command)
        # The measure is sharp enough: without the second hash, PASS would take this much less.
        begun = time.perf_counter()
        for _ in range(10):
            hashlib.scrypt(b"x", salt=b"x", n=2**14, r=8, p=1)
        hash_seconds = (time.perf_counter() - begun) / 10
        skipped = [seconds - hash_seconds for seconds in took["PASS", False]]
        self.assertGreater(distance(took["PASS", True], skipped), MOST_DISTANCE)


if __name__ == "__main__":
    unittest.main()
