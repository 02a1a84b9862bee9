"""net, auth and time are locked down by the kernel: the reported lockdown is in force, and no service needs more."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import sys
import unittest

from harness import IS_ROOT, EndToEndTest, Site, run, until
from control_client import can_log_in, logged_in
from ftpc_client import FtpcUser
from time_client import EVERY_CONVERSION, TimeTest, ask_ntp

WITHOUT = (sys.executable, str(pathlib.Path(__file__).with_name("without_kernel_feature.py")))
IN_FORCE = r"^ftpcd: lockdown: Landlock ABI \d+.*, seccomp$"
NO_LANDLOCK = "lockdown: Landlock is not in force: Function not implemented"
NO_SECCOMP = "lockdown: seccomp is not in force: Function not implemented"

TLS_1_3 = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
TLS_1_2 = ("AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-GCM-SHA256")
GROUPS = ("X25519", "P-256", "P-384")


def has_landlock():
    """Whether this machine's kernel has all that these tests are about."""
    done = run(os.environ.get("FTPCD", "ftpcd"), "check", "--data", "/nonexistent")
    return "is not in force" not in done.stderr


def status(pid):
    """/proc/PID/status as a dictionary of texts."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def shake_hands(port, *options):
    """The suite that `openssl s_client` and the server agree on; the server then answers NOOP through it."""
    done = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-starttls", "ftp", "-brief", "-ign_eof", "-crlf",
               *options, input="NOOP\nQUIT\n")
    if done.returncode != 0 or not re.search("^200 ", done.stdout, re.MULTILINE):
        raise AssertionError(f"openssl s_client {options}: {done.stdout}{done.stderr}")
    return re.search(r"^Ciphersuite: (\S+)", done.stderr, re.MULTILINE)[1]


WITH_TIME = {"listen-ntp": "127.0.0.1:0", "listen-time-text": "127.0.0.1:0", "time-source": "local"}
NAMES = ("net", "auth", "time")


class Processes(TimeTest):
    """The kernel's view of the inner processes."""

    def check_child(self, server, name, account):
        pid = server.child(name)
        facts = status(pid)
        self.assertEqual((facts["NoNewPrivs"], facts["Seccomp"]), ("1", "2"), name)
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
        self.assertRegex(limits, r"(?m)^Max core file size +0 +0 ")
        if account is None:
            return
        # The files in /proc of a process that is not dumpable belong to root.
        self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0, "not dumpable")
        entry = pwd.getpwnam(account)
        self.assertEqual(facts["Uid"].split(), [str(entry.pw_uid)] * 4)
        self.assertEqual(facts["Gid"].split(), [str(entry.pw_gid)] * 4)
        self.assertEqual(facts["Groups"], "")
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(facts[capabilities], 16), 0, f"{name}: {capabilities}")

    def check_all(self, server):
        for name, account in (("net", "ftpcd"), ("auth", "ftpcd-auth"), ("time", "ftpcd-time")):
            self.check_child(server, name, account if IS_ROOT else None)

    def test_all_are_without_privileges_and_filtered_also_after_they_were_killed(self):
        # Started with groups, so that there is something to be dropped.
        options = {"extra_groups": [1, 2, 65534]} if IS_ROOT else {}
        server = self.start(self.make_site(**WITH_TIME), **options)
        if IS_ROOT:
            self.assertEqual(status(server.pid)["Groups"].split(), ["1", "2", "65534"])
        self.check_all(server)
        for name in NAMES:
            victim = server.child(name)
            os.kill(victim, signal.SIGKILL)
            until(lambda: server.child(name) not in (None, victim), f"{name} is back")
        until(lambda: can_log_in(server.port), "logins work again")
        ask_ntp(self.client(self.ntp_port(server)))
        self.check_all(server)
        self.assertNotIn("lockdown-incomplete", server.log.text)

    def test_none_inherits_descriptors_or_environment_of_the_server(self):
        site = self.make_site(**WITH_TIME)
        secret = site.directory / "secret"
        secret.write_text("secret", encoding="utf-8")
        wrapper = ("sh", "-c", 'exec 0<>"$0" 1>>"$0" 9<"$0"; exec "$@"', str(secret))
        server = self.start(site, wrapper=wrapper)
        for name in NAMES:
            place = pathlib.Path(f"/proc/{server.child(name)}/fd")
            if not IS_ROOT:
                continue  # it is not dumpable
            files = {int(fd.name): os.readlink(fd) for fd in place.iterdir()}
            self.assertEqual((files[0], files[1]), ("/dev/null", "/dev/null"), name)
            self.assertNotIn(str(secret), files.values(), name)

    @unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "SKIPPED: needs root and setpriv to give a capability away")
    def test_none_has_a_capability_that_the_server_has_without_root(self):
        site = Site(**WITH_TIME)
        self.addCleanup(site.remove)
        nobody = pwd.getpwnam("nobody")
        os.chown(site.directory, nobody.pw_uid, nobody.pw_gid)
        wrapper = ("setpriv", "--reuid", "nobody", "--regid", str(nobody.pw_gid), "--clear-groups",
                   "--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service")
        server = self.start(site, wrapper=wrapper)
        self.assertNotEqual(int(status(server.pid)["CapEff"], 16), 0)
        for name in NAMES:
            facts = status(server.child(name))
            for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(facts[capabilities], 16), 0, f"{name}: {capabilities}")
            self.assertEqual(facts["NoNewPrivs"], "1")

    def test_off_is_said_and_leaves_the_calls_unfiltered(self):
        server = self.serve(lockdown="off", **WITH_TIME)
        server.log.wait_for("^ftpcd: lockdown: off$")
        for name in NAMES:
            self.assertEqual(status(server.child(name))["Seccomp"], "0")
        self.assertIn("lockdown: off", server.site.ftpcd("check").stdout)


@unittest.skipUnless(has_landlock(), "this kernel lacks Landlock or seccomp")
class InForce(TimeTest):
    def test_the_start_and_check_report_the_lockdown_in_force(self):
        server = self.serve(**WITH_TIME)
        said = server.log.wait_for(IN_FORCE)[0]
        self.assertEqual(server.log.text.count("lockdown"), 1)
        self.assertIn(said + "\n", server.site.ftpcd("check").stdout)

    def test_the_whole_service_needs_nothing_that_is_forbidden(self):
        site = self.make_site(lockdown="require", lockdown_debug="on", hash_workers=1, **WITH_TIME)
        server = self.start(site)
        server.log.wait_for(r"lockdown: Landlock ABI \d+.*, seccomp \(naming forbidden calls\)$")
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(server).returncode, 0)
        self.assertEqual(user.ftpc("mkdir", "-p", "a/b/c").returncode, 0)
        with logged_in(server.port) as control:
            for line, code in (("MKD x", 257), ("MKD x", 521), ("CWD x", 250), ("MKD ../y", 257), ("MKD no/z", 550),
                               ("CWD ..", 250), ("SITE SESSION LIST", 200), ("REIN", 220)):
                self.assertEqual(control.code(line), code, line)
        site.configure(hash_workers=3)  # more threads, in both
        server.log.wait_for("event=reloaded", server.hang_up())
        site.add_user("bob")
        until(lambda: can_log_in(server.port, "bob"), "the new user is seen")
        site.users_db.chmod(0o644)  # auth reads it in vain and says how to mend that
        server.log.wait_for("event=users-kept .*chown", seconds=10)
        site.users_db.chmod(0o600)
        self.assertEqual(user.ftpc("logout").returncode, 0)
        self.ask_often_for_the_time(server)
        self.assertNotIn("forbidden-system-call", server.log.text)
        self.assertNotIn("child-ended", server.log.text)

    def ask_often_for_the_time(self, server):
        """Each kind of answer, and what the process says and does beyond its bounds."""
        ntp, text = self.client(self.ntp_port(server)), self.client(self.text_port(server))
        for conversion in EVERY_CONVERSION:
            text.ask_text(f"%{conversion}")
        for _ in range(200):
            text.send(b"%Y")
            ntp.send(b"\x23" + bytes(47))
        server.log.wait_for("event=limit-hit limit=time-rate")
        server.site.configure(time_source="kernel")
        server.log.wait_for("event=reloaded", server.hang_up())
        until(lambda: ask_ntp(self.client(self.ntp_port(server))).reference_id != b"LOCL", "the other source is told")

    def test_changes_of_the_lockdown_wait_for_the_next_start(self):
        server = self.serve()
        server.site.configure(lockdown="off", lockdown_debug="on")
        before = server.hang_up()
        server.log.wait_for('event=setting-changes-at-restart settings="lockdown, lockdown-debug"', before)
        os.kill(server.child("net"), signal.SIGKILL)
        server.log.wait_for("event=child-restarted process=net", before)
        until(lambda: can_log_in(server.port), "net is back")
        self.assertEqual(status(server.child("net"))["Seccomp"], "2")


@unittest.skipUnless(has_landlock(), "this kernel lacks Landlock or seccomp")
@unittest.skipUnless(shutil.which("openssl"), "needs the openssl program")
class EveryCipher(EndToEndTest):
    """TLS in a process that is locked down, for each version and cipher."""

    def check_suites(self, port, kind):
        for suite in TLS_1_3:
            self.assertEqual(shake_hands(port, "-tls1_3", "-ciphersuites", suite), suite)
        for suite in TLS_1_2:
            self.assertEqual(shake_hands(port, "-tls1_2", "-cipher", f"ECDHE-{kind}-{suite}"), f"ECDHE-{kind}-{suite}")
        for group in GROUPS:
            shake_hands(port, "-tls1_3", "-groups", group)
            if kind == "RSA":  # in TLS 1.2 the groups are also those that an ECDSA certificate may have
                shake_hands(port, "-tls1_2", "-groups", group)

    def make_rsa_certificate(self, site):
        key, certificate = site.directory / "rsa.key", site.directory / "rsa.pem"
        done = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                   "-keyout", str(key), "-out", str(certificate))
        self.assertEqual(done.returncode, 0, done.stderr)
        key.chmod(0o600)
        return key, certificate

    def test_every_suite_works_also_after_a_reload_and_after_net_was_killed(self):
        site = self.make_site(lockdown="require")
        server = self.start(site)
        self.check_suites(server.port, "ECDSA")
        key, certificate = self.make_rsa_certificate(site)
        site.configure(key=key, certificate=certificate)
        server.log.wait_for("event=reloaded", server.hang_up())
        until(lambda: self.offers_rsa(server.port), "the other certificate is in use")
        self.check_suites(server.port, "RSA")
        victim = server.child("net")
        os.kill(victim, signal.SIGKILL)
        until(lambda: server.child("net") not in (None, victim) and can_log_in(server.port), "net is back")
        self.check_suites(server.port, "RSA")
        self.assertEqual(server.log.text.count("child-ended"), 1)

    @staticmethod
    def offers_rsa(port):
        try:
            return shake_hands(port, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
        except AssertionError:
            return None


class MissingFeature(EndToEndTest):
    """On a kernel that lacks a feature; the lack is made with a filter that the server inherits."""

    def check(self, site, feature):
        return run(*WITHOUT, feature, os.environ["FTPCD"], "check", "--config", str(site.config))

    def assert_refused(self, feature, *lines):
        site = self.make_site(lockdown="require")
        done = run(*WITHOUT, feature, os.environ["FTPCD"], "serve", "--config", str(site.config))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("listening on", done.stderr)
        self.assertIn("lockdown is required, and ", done.stderr)
        for line in lines:
            self.assertIn(line.removeprefix("lockdown: "), done.stderr)

    def test_require_is_a_refusal_to_start(self):
        self.assert_refused("landlock", NO_LANDLOCK)
        self.assert_refused("seccomp", NO_SECCOMP)
        self.assert_refused("both", NO_LANDLOCK, NO_SECCOMP)

    def test_prefer_serves_and_reports_each_missing_feature_in_a_line(self):
        for feature, in_force, *missing in (("landlock", "seccomp", NO_LANDLOCK),
                                            ("seccomp", r"Landlock ABI \d+.*", NO_SECCOMP),
                                            ("both", "nothing", NO_LANDLOCK, NO_SECCOMP)):
            with self.subTest(feature):
                site = self.make_site()
                server = self.start(site, wrapper=(*WITHOUT, feature))
                if has_landlock():
                    server.log.wait_for(f"^ftpcd: lockdown: {in_force}$")
                for line in missing:
                    server.log.wait_for(f"^ftpcd: {re.escape(line)} ")
                self.assertTrue(can_log_in(server.port))
                done = self.check(site, feature)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                for line in missing:
                    self.assertIn(f"ftpcd: {line} ", done.stderr)

    def test_off_misses_nothing(self):
        site = self.make_site(lockdown="off")
        server = self.start(site, wrapper=(*WITHOUT, "both"))
        server.log.wait_for("^ftpcd: lockdown: off$")
        self.assertEqual(self.check(site, "both").returncode, 0)


if __name__ == "__main__":
    unittest.main()
