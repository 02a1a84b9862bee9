"""A small part of the benchmark that must hold on any machine, however busy: ratios with wide margins, no absolute times."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from bench import targets
from bench.ftpcd import Other
from bench.processes import cpu_seconds
from bench.results import Results
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
    """The best of some rounds of the faster one, against the worst of the slower one."""

    settings = {"listen-ntp": "127.0.0.1:0", "listen-time-text": "127.0.0.1:0"}

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

    def test_a_thread_for_each_session_makes_as_many_as_one_thread_for_all(self):
        home = self.server.site.root / "alice"
        made, = self.load("directories", "--thread-per-session", "--sessions", 16, "--count", 100, "--prefix", "counted")
        self.assertEqual((made["made"], made["refused"]), (100, 0))
        self.assertEqual(sum(1 for name in directories_in(home) if name.startswith("counted")), 100)
        for in_flight in (1, 64):
            result, = self.load("directories", "--thread-per-session", "--seconds", 0.2 * scaled(1), "--sessions", 4,
                                "--in-flight", in_flight, "--prefix", f"timed{in_flight}-")
            self.assertGreater(result["made"], 0)
            self.assertEqual(result["refused"], 0, result)

    def test_a_load_on_order_begins_when_all_are_logged_in(self):
        for generator in ((), ("--thread-per-session",)):
            opened, result = self.load("directories", "--on-order", "--sessions", 5, "--count", 10, "--prefix",
                                       f"ordered{len(generator)}-", *generator, input=f"{PASSWORD}\nbegin\n")
            self.assertEqual((opened["open"], result["made"]), (5, 10))

    def test_idle_sessions_answer(self):
        opened, busy, check = self.load("idle", "--login", "session-key", "--sessions", 50,
                                        input=f"{PASSWORD}\nbusy 0 busy 4 10\ncheck\n")
        self.assertEqual((opened["open"], busy["made"], check["answering"]), (50, 10, 51))

    def listed(self, name, entries):
        """A directory with so many in it, as options of a load."""
        parent = self.server.site.root / "alice" / name
        parent.mkdir()
        for number in range(entries):
            (parent / f"directory-{number}").mkdir()
        return "--path", name, "--entries", entries

    def test_listings_come_whole_over_data_connections_that_resume(self):
        for login, sessions, entries in (("session-key", 1, 0), ("session-key", 2, 100), ("password", 1, 3000)):
            with self.subTest(login=login, entries=entries):
                result, = self.load("listings", "--login", login, "--sessions", sessions, "--seconds", 0.1 * scaled(1),
                                    *self.listed(f"listed-{login}-{entries}", entries))
                self.assertGreaterEqual(result["listed"], sessions)
                self.assertEqual((result["command"], result["resumed"]), ("MLSD", result["listed"]))

    def test_a_listing_that_lacks_an_entry_fails(self):
        *path, entries = self.listed("lacking", 3)
        with self.assertRaisesRegex(AssertionError, "MLSD of lacking shows 3 entries of 4"):
            self.load("listings", *path, entries + 1)

    def test_directories_are_made_beside_a_listing(self):
        result, = self.load("mkdir-beside-listing", "--login", "session-key", "--count", 50, "--prefix", "beside",
                            *self.listed("large", 1000))
        self.assertEqual((result["made"], result["refused"]), (50, 0))
        self.assertGreater(result["listings"], 0)

    def test_questions_for_the_time_are_counted(self):
        for kind, what in (("ntp", "NTP"), ("time-text", "time as text")):
            address = self.server.log.wait_for(rf"^ftpcd: {what} on (\S+)")[1]
            for in_flight in (1, 16):
                result, = ftp_load(kind, "--server", address, "--in-flight", in_flight, "--seconds", 0.1 * scaled(1))
                self.assertGreater(result["answers"], in_flight)

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
    def test_many_sessions_share_the_cost_of_a_sync(self):
        alone = self.per_second("alone")
        together = self.per_second("together", "--sessions", 16)
        self.assertGreaterEqual(max(together), 0.5 * min(alone))


class ReportTest(unittest.TestCase):
    def test_listings_are_held_against_the_peer_that_takes_the_least_time(self):
        loads = ("listing-100", "listing-100-sessions-16", "listing-100000")
        measurements = [{"load": load, "who": who, "round": number, "value": value, "server_cpu_us": cpu}
                        for number in range(3) for load in loads
                        for who, value, cpu in (("ftpcd", 300, 62), ("Pure-FTPd", 500, 200), ("vsftpd", 100, 100))]
        measurements += [{"load": "mkdir-beside-listing", "who": "ftpcd", "round": number, "value": 100, "entries": 1000000,
                          "p99_us": 4000 + 2000 * number} for number in range(3)]
        results = Results("no such file")
        results.all["measurements"] = measurements
        shown = {(line.what, line.bound, line.measured, line.reached) for line in targets.lines(results)}
        ratio = "0.62 × (0.62–0.62) to vsftpd"
        self.assertLessEqual({
            ("processor time for a listing of 100 entries, one session", "≤ 0.6 ×", ratio, False),
            ("processor time for a listing of 100 entries, 16 sessions", "≤ 0.6 ×", ratio, False),
            ("processor time for a listing of 100,000 entries, one session", "≤ 0.7 ×", ratio, True),
            ("p99 of a MKD beside a listing of 1,000,000 entries", "≤ 5 ms", "6.00 ms (4.00–8.00) with 1,000,000 entries", False),
        }, shown)

    def test_the_report_is_written_into_its_page(self):
        measurements = [{"load": "waiting", "who": who, "round": number, "value": value, "server_cpu_us": cpu}
                        for number in range(3) for who, value, cpu in (("ftpcd", 300 + number, 8 + number), ("Pure-FTPd", 100, 10),
                                                                       ("busy-poll=0", 150, 9))]
        with tempfile.TemporaryDirectory() as directory:
            docs = pathlib.Path(directory) / "docs"
            docs.mkdir()
            page = docs / "performance.md"
            page.write_text((SOURCE / "docs/performance.md").read_text(encoding="utf-8"), encoding="utf-8")
            results = pathlib.Path(directory) / "some.json"
            results.write_text(json.dumps({"begun": "2026-01-01", "machine": {"cores": 2, "cpu": "x", "kernel": "6", "memory_gib": 1},
                                           "versions": {}, "notes": [], "measurements": measurements}), encoding="utf-8")
            for _ in range(2):  # a second time replaces the first
                said = subprocess.run([sys.executable, SOURCE / "scripts/benchmark", "--loads=", "--results", results,
                                       "--report", docs], check=True, capture_output=True, text=True).stdout
            self.assertIn("| waiting | busy-poll=0 | 150 (150–150) | 2.01 × (2.00–2.01) | 9 (9–9) | 1.00 × (0.89–1.11) |", said)
            text = page.read_text(encoding="utf-8")
            self.assertEqual(text.count("### Where it must be"), 1)
            self.assertIn("| one session waiting for each reply | ≥ 1.5 × | 3.01 × (3.00–3.02) to Pure-FTPd | yes |", text)
            self.assertIn("| … processor time for a directory | ≤ 0.85 × | 0.90 × (0.80–1.00) to Pure-FTPd | **no** |", text)
            self.assertIn("| one session, waiting for each reply | 9 (8–10) | 10 (10–10) | 9 (9–9) |", text)
            for goal in ("processor time for a listing of 100 entries, one session | ≤ 0.6 ×", "p99 of a MKD beside a listing "
                         "of 1,000,000 entries | ≤ 5 ms"):
                self.assertIn(f"| {goal} | not measured | – |", text)
            self.assertEqual(list(docs.iterdir()), [page], "only the page is committed")
            self.assertEqual(json.loads(results.read_text(encoding="utf-8"))["measurements"], measurements)


class OtherTest(unittest.TestCase):
    def test_another_build_and_settings_of_it_are_named_in_one_word(self):
        with tempfile.TemporaryDirectory() as build:
            program = pathlib.Path(build).resolve() / "bin/ftpcd"
            program.parent.mkdir()
            program.touch()
            self.assertEqual(Other.parse(build), Other(build, program, "none", []))
            both = f"{build},busy-poll=0,durability=group"
            self.assertEqual(Other.parse(both), Other(both, program, "group", ["--busy-poll=0"]))
        self.assertEqual(Other.parse("busy-poll=0"), Other("busy-poll=0", None, "none", ["--busy-poll=0"]))
        for wrong in (build, "busy-poll", ""):
            with self.assertRaises(argparse.ArgumentTypeError):
                Other.parse(wrong)


class ProcessorTimeTest(unittest.TestCase):
    def test_the_time_of_a_server_is_that_of_all_its_processes(self):
        spin = "import sys, time\nwhile time.process_time() < 0.1: pass\nprint(flush=True)\nsys.stdin.read()"
        with subprocess.Popen(["sh", "-c", f"{sys.executable} -c '{spin}'; exit"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as server:
            server.stdout.readline()
            self.assertGreaterEqual(cpu_seconds(server.pid), 0.1)


if __name__ == "__main__":
    unittest.main()
