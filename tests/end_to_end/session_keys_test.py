"""Enrolling session keys: what one costs with many there, who waits for its disk, and what a kill leaves of it."""
import base64
import os
import pathlib
import random
import signal
import subprocess
import threading
import time
import unittest

from harness import FTPC, IS_ROOT, PASSWORD, EndToEndTest, scaled, until
from control_client import can_log_in, logged_in
from faults import Faults
from ftpc_client import FtpcUser

MANY = 20_000
KILLS = 8
PUBLIC_KEY = "B" * 42 + "E"


def lines_of_keys(number):
    """Session keys of users who are gone, as an earlier version wrote them."""
    key = base64.b64encode(bytes(32)).decode().rstrip("=")
    now = int(time.time())
    ids = random.Random(number)
    return "".join(f"{ids.getrandbits(128):032x} gone{i // 30} {key} {0:016x} {now} {now + 86400}\n" for i in range(number))


def enrol(control):
    """The id of a new session key; None if the connection was lost before the server said one."""
    answer = control.ask(f"SITE SESSION NEW {PUBLIC_KEY}")
    return answer.text.split()[1] if answer.code == 200 else None


class ManyKeys(EndToEndTest):
    @unittest.skipUnless(IS_ROOT, "SKIPPED: what another user's process has written only root can read")
    def test_one_more_costs_a_line(self):
        site = self.make_site()
        sessions_db = site.data / "sessions.db"
        sessions_db.write_text("# many\n" + lines_of_keys(MANY), encoding="ascii")
        sessions_db.chmod(0o600)
        owner = site.users_db.stat()
        os.chown(sessions_db, owner.st_uid, owner.st_gid)
        server = self.start(site)
        before = sessions_db.read_bytes()
        written = pathlib.Path(f"/proc/{server.child('auth')}/io")

        def bytes_written():
            return int(written.read_text(encoding="ascii").split("wchar: ")[1].split()[0])

        at_first = bytes_written()
        ids = []
        for _ in range(5):
            with logged_in(server.port) as control:
                ids.append(enrol(control))
        self.assertNotIn(None, ids)
        self.assertLess(bytes_written() - at_first, len(before) / 10)
        now = sessions_db.read_bytes()
        self.assertTrue(now.startswith(before))
        self.assertEqual([line.split()[0].decode() for line in now[len(before):].splitlines()], ids)
        server.stop()
        server = self.start(site)
        with logged_in(server.port) as control:
            listed = control.ask("SITE SESSION LIST").text
        self.assertEqual([name for name in ids if name not in listed], [])
        self.assertEqual(site.ftpcd("check").returncode, 0)


class SlowDisk(EndToEndTest):
    def test_logins_go_on_while_a_key_waits_for_it(self):
        site = self.make_site(users=("alice", "bob"))
        faults = Faults(site.directory)
        server = self.start(site, env=faults.environment)
        alice, bob = FtpcUser(self.make_directory()), FtpcUser(self.make_directory())
        self.assertEqual(alice.log_in(server).returncode, 0)
        faults.hold("fsync", "sessions.db")
        command = (FTPC, "login", f"bob@{server.address}", "--password-stdin", "--accept-new")
        with subprocess.Popen(command, env=bob.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as login:
            try:
                login.stdin.write(PASSWORD + "\n")
                login.stdin.flush()
                until(lambda: faults.hit == "fsync", "the key of bob waits for the disk")
                self.assertEqual(alice.ftpc("mkdir", "meanwhile").returncode, 0)
                self.assertTrue(can_log_in(server.port))
                self.assertIsNone(login.poll(), "what is not on disk is not promised")
            finally:
                faults.none()
            self.assertEqual(login.wait(scaled(10)), 0)
        self.assertEqual(bob.ftpc("mkdir", "afterwards").returncode, 0)


class Enrolling(threading.Thread):
    """A user who enrols keys, no more than hold at once, and comes back when the connection is lost."""

    def __init__(self, port, user, stop):
        super().__init__(daemon=True)
        self._port, self.user, self._stop_when = port, user, stop
        self.enrolled = []

    def run(self):
        while not self._stop_when.is_set():
            try:
                with logged_in(self._port, self.user) as control:
                    name = enrol(control)
                    if name:
                        self.enrolled.append(name)
            except (OSError, AssertionError):
                time.sleep(0.01)


class KilledUnderLoad(EndToEndTest):
    def test_every_key_that_was_promised_is_there(self):
        users = tuple(f"user{i}" for i in range(4))
        server = self.serve(users)
        stop = threading.Event()
        loads = [Enrolling(server.port, user, stop) for user in users]
        for load in loads:
            load.start()
        try:
            for number in range(KILLS):
                done = sum(len(load.enrolled) for load in loads)
                until(lambda done=done: sum(len(load.enrolled) for load in loads) > done + 2, "keys are enrolled", 30)
                time.sleep(0.003 * number)  # at another moment each time
                auth = server.child("auth")
                os.kill(auth, signal.SIGKILL)
                until(lambda auth=auth: server.child("auth") not in (None, auth), "auth is back")
        finally:
            stop.set()
            for load in loads:
                load.join(scaled(30))
        until(lambda: can_log_in(server.port, users[0]), "logins work again")
        self.assertNotIn("set-aside", server.log.text)
        for load in loads:
            with logged_in(server.port, load.user) as control:
                listed = control.ask("SITE SESSION LIST").text
            # A user has 32 keys, the latest.
            self.assertEqual([name for name in load.enrolled[-20:] if name not in listed], [])
        self.assertEqual(server.site.ftpcd("check").returncode, 0)


if __name__ == "__main__":
    unittest.main()
