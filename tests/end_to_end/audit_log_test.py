"""The audit trail: one line an event, in logfmt or JSON, that nobody can forge, and that fail2ban reads."""
import json
import os
import re
import subprocess
import tempfile
import unittest

from harness import SOURCE, EndToEndTest, scaled, until
from control_client import connect, logged_in
from ftpc_client import FtpcUser

FORGED = ("x ftpcd[auth]: event=login user=root peer=192.0.2.1 method=password result=refused reason=x",
          '" reason=x ftpcd[auth]: event=login user=root peer=192.0.2.1 method=password result=refused reason="x',
          '"} {"process":"ftpcd[auth]","event":"login","user":"x","peer":"192.0.2.1","method":"password","result":"refused","reason":"x"}',
          "\\")
FILTER = SOURCE / "packaging/fail2ban/filter.d/ftpcd.conf"
UNPACKED = SOURCE / "build/fail2ban"  # by scripts/set-up: an installed package would start its service
EVENTS = ("connected", "tls", "login", "session-began", "session-key-enrolled", "directory-made", "session-key-ended",
          "disconnected", "limit-hit")


def fail2ban_regex():
    """The words that run it, and the environment for that."""
    environment = {**os.environ, "TZ": "UTC"}
    if not UNPACKED.exists():
        return ["fail2ban-regex"], environment
    return ([str(UNPACKED / "usr/bin/fail2ban-regex"), "-c", str(UNPACKED / "etc/fail2ban")],
            {**environment, "PYTHONPATH": str(UNPACKED / "usr/lib/python3/dist-packages")})


def play(test, server):
    """Everything that leaves a line, and names that try to leave another one."""
    user = FtpcUser(test.make_directory())
    test.assertEqual(user.log_in(server).returncode, 0)
    test.assertEqual(user.ftpc("mkdir", "made", 'quo"te', "back\\slash", "资料", *FORGED).returncode, 0)
    test.assertEqual(user.ftpc("logout").returncode, 0)
    for name in ("nobody", 'x" result="granted', *FORGED):
        with connect(server.port, source="127.0.0.77") as control:
            control.log_in(name, "wrong")
    server.log.wait_for("limit-hit")


class Logfmt(EndToEndTest):
    def test_every_event_has_its_line_and_no_name_makes_another(self):
        server = self.serve(login_limit_address="3", login_limit_account=None)
        play(self, server)
        for event in EVENTS:
            server.log.wait_for(rf"^ftpcd\[\w+\]: time=\S+Z event={event}")
        for line in server.log.text.splitlines():
            self.assertRegex(line, r"^ftpcd(\[\w+\])?: ")
        self.assertNotRegex(server.log.text, r"(?m)^[^\"]*192\.0\.2\.1", "only ever within quotes")


class Json(EndToEndTest):
    def test_every_line_is_one_object_with_the_true_reason(self):
        server = self.serve(login_limit_address="3", login_limit_account=None, log_format="json")
        play(self, server)
        until(lambda: all(f'"event":"{event}"' in server.log.text for event in EVENTS), "all events")
        events = [json.loads(line) for line in server.log.text.splitlines()]
        for event in events:
            self.assertRegex(event["process"], r"^ftpcd(\[\w+\])?$")
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        refused = [e for e in events if e["event"] == "login" and e["peer"] == "127.0.0.77"]
        self.assertTrue(refused)
        for event in refused:
            self.assertIn((event["result"], event["reason"]), [
                ("refused", "no such user"), ("limited", "too many refused logins from this address")])
        limit = next(e for e in events if e["event"] == "limit-hit")
        self.assertEqual((limit["limit"], limit["peer"], limit["seconds"]), ("login-limit-address", "127.0.0.77", 60))

    def test_the_format_changes_while_it_runs(self):
        site = self.make_site()
        server = self.start(site)
        site.configure(log_format="json")
        before = server.hang_up()
        server.log.wait_for(r'^\{"time":.*"event":"reloaded"', before)
        logged_in(server.port).close()
        server.log.wait_for(r'^\{"time":.*"event":"login".*"result":"granted"', before)


class Fail2ban(EndToEndTest):
    def matched(self, text, what):
        with tempfile.NamedTemporaryFile("w", suffix=".log", encoding="utf-8") as log:
            log.write(text)
            log.flush()
            program, environment = fail2ban_regex()
            done = subprocess.run([*program, *what, log.name, str(FILTER)], capture_output=True, text=True,
                                  timeout=scaled(60), check=False, env=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def matched_addresses(self, text):
        return self.matched(text, ("--out", "ip")).split()

    def test_the_filter_finds_guessing_addresses_and_no_others(self):
        for log_format in ("logfmt", "json"):
            with self.subTest(log_format=log_format):
                server = self.serve(login_limit_address="3", login_limit_account=None, log_format=log_format)
                play(self, server)
                for _ in range(2):
                    with connect(server.port, source="127.0.0.78") as control:
                        control.log_in("alice", "wrong")
                logged_in(server.port, source="127.0.0.79").close()
                server.log.wait_for(r"127\.0\.0\.79")
                self.assertEqual(server.stop(), 0)
                in_the_journal = "".join(f"host ftpcd[{server.pid}]: {line}\n" for line in server.log.text.splitlines())
                for text in (server.log.text, in_the_journal):
                    found = self.matched_addresses(text)
                    self.assertEqual(set(found), {"127.0.0.77", "127.0.0.78"})
                    self.assertEqual(found.count("127.0.0.78"), 2)

    def test_a_guess_counts_when_it_was_made_not_when_it_is_read(self):
        for log_format, time in (("logfmt", "time="), ("json", '"time":"')):
            with self.subTest(log_format=log_format):
                server = self.serve(log_format=log_format)
                with connect(server.port, source="127.0.0.78") as control:
                    control.log_in("alice", "wrong")
                self.assertEqual(server.stop(), 0)
                longer_ago = re.sub(f'({time})[^ "]+', r"\g<1>2025-06-07T08:09:10.111Z", server.log.text)
                self.assertIn("127.0.0.78  Sat Jun 07 08:09:10 2025", self.matched(longer_ago, ("-v",)))

    def test_a_session_key_that_has_ended_is_no_guess(self):
        server = self.serve()
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(server).returncode, 0)
        server.site.ftpcd("user", "passwd", "alice", "--password-stdin", input="another one\n").check_returncode()
        until(lambda: user.ftpc("mkdir", "x").returncode == 3, "the key is good no longer")
        server.log.wait_for("method=session-key result=refused")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.matched_addresses(server.log.text), [])


if __name__ == "__main__":
    unittest.main()
