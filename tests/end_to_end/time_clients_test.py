"""Real clients of NTP take the time from the server if its clock is right, and none if it is not.

None of them may set this machine's clock: they run without CAP_SYS_TIME, and chronyd with -Q or -x alone.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

from harness import IS_ROOT, SCALE, SOURCE, Log, run, until
from time_client import TimeTest, is_synchronised

UNPACKED = SOURCE / "build/time-clients"  # by scripts/set-up: an installed chrony would start its service
WITHOUT_CLOCK = ("setpriv", "--bounding-set", "-sys_time", "--inh-caps", "-sys_time", "--")
OWN_NETWORK = (sys.executable, str(pathlib.Path(__file__).with_name("own_network.py")))
FOLLOW_SECONDS = float(os.environ.get("FTPC_FOLLOW_SECONDS", "10"))
PYTHON = "/usr/bin/python3"  # that of the distribution, for which its modules are


def unpacked(program):
    path = UNPACKED / program
    return str(path) if path.exists() else None


def need(program):
    return unittest.skipUnless(unpacked(program) and shutil.which("setpriv"), f"SKIPPED: {program} is not in {UNPACKED}")


@unittest.skipUnless(IS_ROOT, "SKIPPED: only root can keep a program from the clock, and serve on port 123")
class ClientsTest(TimeTest):
    def tools_server(self, source):
        """On port 123, which some clients ask alone."""
        self.need_port_of_ntp("127.77.0.2")
        return self.start(self.make_site(time_source=source), "--listen-ntp", "127.77.0.2")

    def run_client(self, *command, **options):
        environment = {"PATH": f"{UNPACKED / 'usr/bin'}:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
                       "PYTHONPATH": str(UNPACKED / "usr/lib/python3/dist-packages")}
        return run(*WITHOUT_CLOCK, *command, env=environment, **options)


class Queries(ClientsTest):
    @need("usr/bin/ntpdig")
    def test_ntpdig(self):
        self.tools_server("local")
        done = self.run_client(PYTHON, unpacked("usr/bin/ntpdig"), "--json", "127.77.0.2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r'"stratum":10\b')
        self.assertLess(abs(float(re.search(r'"offset":(-?[0-9.e-]+)', done.stdout)[1])), 0.1)

    @need("usr/sbin/ntpdate")
    def test_ntpdate(self):
        self.tools_server("local")
        done = self.run_client(unpacked("usr/sbin/ntpdate"), "-q", "127.77.0.2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"[+-]0\.\d+ \+/- 0\.\d+ 127\.77\.0\.2 s10 no-leap")

    @need("usr/lib/nagios/plugins/check_ntp_time")
    def test_check_ntp_time(self):
        self.tools_server("local")
        done = self.run_client(unpacked("usr/lib/nagios/plugins/check_ntp_time"), "-H", "127.77.0.2", "-w", "1", "-c", "2")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"^NTP OK: Offset -?[0-9.e-]+ secs")

    @need("usr/lib/nagios/plugins/check_ntp_time")
    @unittest.skipIf(is_synchronised(), "this machine's clock is synchronised")
    def test_a_clock_that_nothing_synchronises_is_refused(self):
        self.tools_server("kernel")
        done = self.run_client(unpacked("usr/lib/nagios/plugins/check_ntp_time"), "-H", "127.77.0.2", seconds=60)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        done = self.run_client(PYTHON, unpacked("usr/bin/ntpdig"), "127.77.0.2")
        self.assertNotRegex(done.stdout, r"127\.77\.0\.2 s[1-9]")


@need("usr/sbin/chronyd")
class Chronyd(ClientsTest):
    """In a network of its own, together with the server."""

    def setUp(self):
        super().setUp()
        self.place = self.make_directory()

    def server_beside(self, source):
        site = self.make_site(time_source=source)
        return self.start(site, "--listen-ntp", "127.0.0.1:0", wrapper=OWN_NETWORK)

    def command(self, server, how, *settings):
        """The words that start chronyd. It can neither set the clock nor write elsewhere than in its directory."""
        config = self.place / "chrony.conf"
        config.write_text("\n".join([f"server 127.0.0.1 port {self.ntp_port(server)} iburst minpoll -2 maxpoll -2", "user root",
                                     "cmdport 0", "port 0", f"pidfile {self.place}/chronyd.pid",
                                     f"bindcmdaddress {self.place}/chronyd.sock", *settings]) + "\n", encoding="utf-8")
        return ["nsenter", "-t", str(server.pid), "-n", *WITHOUT_CLOCK, unpacked("usr/sbin/chronyd"), *how, "-f", str(config)]

    def asked_once(self, source):
        server = self.server_beside(source)
        return run(*self.command(server, ["-Q", "-t", "10"]), seconds=60)

    def test_asked_once_it_takes_the_time_of_the_standard_machine(self):
        done = self.asked_once("local")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        offset = re.search(r"System clock wrong by (-?\d+\.\d+) seconds \(ignored\)", done.stdout + done.stderr)
        self.assertLess(abs(float(offset[1])), 0.1)

    @unittest.skipIf(is_synchronised(), "this machine's clock is synchronised")
    def test_asked_once_it_takes_no_time_from_a_clock_that_nothing_synchronises(self):
        done = self.asked_once("kernel")
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, "No suitable source for synchronisation")

    def tracking(self):
        """The source of chronyd as it describes it, in words; None while it does not listen."""
        done = run(unpacked("usr/bin/chronyc"), "-c", "-h", f"{self.place}/chronyd.sock", "tracking")
        return done.stdout.strip().split(",") if done.returncode == 0 else None

    def follows(self):
        words = self.tracking()
        return words and words[1] == "127.0.0.1" and words[-1] == "Normal"

    def received(self):
        """How many answers chronyd has taken in."""
        done = run(unpacked("usr/bin/chronyc"), "-c", "-h", f"{self.place}/chronyd.sock", "ntpdata")
        return int(done.stdout.strip().split(",")[-3])

    def test_it_follows_the_server_also_over_the_end_of_the_process(self):
        server = self.server_beside("local")
        process = subprocess.Popen(self.command(server, ["-x", "-d"]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)
        log = Log(process.stdout)
        log.wait_for(r"Disabled control of system clock")
        until(self.follows, "chronyd has chosen the server", 60)
        os.kill(server.child("time"), signal.SIGKILL)
        deadline = time.monotonic() + FOLLOW_SECONDS
        while time.monotonic() < deadline:
            before = self.received()
            until(lambda before=before: self.received() >= before + 4, "four more answers have come", 20)
            words = self.tracking()
            self.assertTrue(self.follows(), f"{words}\n{log.text}")
            self.assertEqual(words[2], "11")  # one more than the server's
            self.assertLess(abs(float(words[5])), 0.05 * SCALE, words)  # the last offset
        self.assertNotRegex(log.text, "Can't synchronise|Source 127.0.0.1 (offline|replaced)|Detected falseticker")
        self.assertIsNone(process.poll())


if __name__ == "__main__":
    unittest.main()
