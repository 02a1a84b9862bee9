"""A small part of the benchmark that must hold on any machine, however busy: ratios with wide margins, no absolute times."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import PASSWORD, SOURCE, SharedServerTest, directories_in, scaled, timing

FTP_LOAD = os.environ.get("FTP_LOAD", str(SOURCE / "build/release/tests/ftp_load"))
ROUNDS = 3


def ftp_load(*arguments, input=PASSWORD + "\n"):
    done = subprocess.run([FTP_LOAD, *map(str, arguments)], input=input, capture_output=True, text=True,
                          timeout=scaled(60), check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


class SmokeTest(SharedServerTest):
    """The best of some rounds of what must be faster, against the worst of what must not be."""

    def load(self, kind, *options, **given):
        return ftp_load(kind, "--server", self.server.address, "--user", "alice", *options, **given)

    def per_second(self, name, *options):
        """Directories a second in some rounds."""
        found = []
        for number in range(ROUNDS):
            result, = self.load("directories", "--login", "prehash", "--seconds", 0.2 * scaled(1), "--prefix", f"{name}{number}-",
                                *options)
            self.assertEqual(result["refused"], 0, result)
            self.assertGreater(result["made"], 0)
            found.append(result["per_second"])
        return found

    def test_every_login_and_every_directory_counts(self):
        for login in ("password", "prehash", "session-key"):
            result, = self.load("directories", "--login", login, "--count", 20, "--sessions", 2, "--prefix", login)
            self.assertEqual(result["made"], 20)
        home = self.server.site.root / "alice"
        self.assertEqual(sum(1 for name in directories_in(home) if name.startswith("session-key")), 20)

    def test_a_path_is_made_in_one_command_or_in_many(self):
        home = self.server.site.root / "alice"
        one, = self.load("directories", "--count", 3, "--depth", 10, "--site-mkdir", "--prefix", "one")
        many, = self.load("directories", "--count", 30, "--depth", 10, "--in-flight", 10, "--prefix", "many")
        self.assertEqual((one["made"], many["made"]), (3, 30))
        for prefix in ("one", "many"):
            self.assertEqual(sum(1 for name in directories_in(home) if name.startswith(prefix)), 30)

    def test_idle_sessions_answer(self):
        opened, busy, check = self.load("idle", "--login", "session-key", "--sessions", 50,
                                        input=f"{PASSWORD}\nbusy 0 busy 4 10\ncheck\n")
        self.assertEqual((opened["open"], busy["made"], check["answering"]), (50, 10, 51))

    def test_logins_are_counted(self):
        result, = self.load("logins", "--login", "session-key", "--sessions", 4, "--seconds", 0.5 * scaled(1))
        self.assertGreater(result["logins"], 0)

    def test_limits_are_measured(self):
        with tempfile.TemporaryDirectory() as directory:
            for limit in ("mkdirat", "openat2", "fsync"):
                self.assertGreater(ftp_load(limit, "--at", directory, "--seconds", 0.05)[0]["made"], 0)
            self.assertGreater(ftp_load("growth", "--at", directory, "--count", 100)[0]["last_us"], 0)
        self.assertGreater(ftp_load("ping-pong", "--seconds", 0.05)[0]["round_trips"], 0)
        self.assertGreater(ftp_load("scrypt", "--ln", 10, "--runs", 1)[0]["seconds"], 0)
        site = self.server.site
        self.assertGreater(ftp_load("handshakes", "--certificate", site.certificate, "--key", site.data / "tls/key.pem",
                                    "--sessions", 4, "--seconds", 0.3 * scaled(1))[0]["logins"], 0)

    @timing
    def test_commands_in_flight_are_no_slower_than_waiting_for_each_reply(self):
        waiting = self.per_second("waiting")
        ahead = self.per_second("ahead", "--in-flight", 64)
        self.assertGreaterEqual(max(ahead), min(waiting))

    @timing
    def test_many_sessions_share_what_it_costs_to_be_durable(self):
        alone = self.per_second("alone")
        together = self.per_second("together", "--sessions", 16)
        self.assertGreaterEqual(max(together), 0.5 * min(alone))


class ReportTest(unittest.TestCase):
    def test_the_report_is_written_into_its_page(self):
        measurements = [{"load": "waiting", "who": who, "round": number, "value": value}
                        for number in range(3) for who, value in (("ftpcd", 300 + number), ("Pure-FTPd", 100))]
        with tempfile.TemporaryDirectory() as directory:
            docs = pathlib.Path(directory)
            page = docs / "performance.md"
            page.write_text((SOURCE / "docs/performance.md").read_text(encoding="utf-8"), encoding="utf-8")
            results = docs / "some.json"
            results.write_text(json.dumps({"begun": "2026-01-01", "machine": {"cores": 2, "cpu": "x", "kernel": "6", "memory_gib": 1},
                                           "versions": {}, "notes": [], "measurements": measurements}), encoding="utf-8")
            for _ in range(2):  # a second time replaces the first
                subprocess.run([sys.executable, SOURCE / "scripts/benchmark", "--loads=", "--results", results,
                                "--report", docs], check=True, capture_output=True)
            text = page.read_text(encoding="utf-8")
            self.assertEqual(text.count("### Where it must be"), 1)
            self.assertIn("| one session waiting for each reply | ≥ 1.1 × | 3.01 × (3.00–3.02) to Pure-FTPd | yes |", text)
            self.assertIn("</svg>", (docs / "performance.svg").read_text(encoding="utf-8"))
            again = json.loads((docs / "performance.json").read_text(encoding="utf-8"))
            self.assertEqual(again["measurements"], measurements)


if __name__ == "__main__":
    unittest.main()
