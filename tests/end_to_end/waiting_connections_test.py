"""Connections that wait for auth or a disk that does not answer: their number, their time, and their end."""
import contextlib
import itertools
import os
import re
import signal
import socket
import threading
import time
import unittest

from harness import EndToEndTest, resident_bytes, scaled, timing, until
from control_client import Control, can_log_in, connect, logged_in
from system_calls import HAS_STRACE, calls_of_process

ATTACKER = "127.0.0.66"


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class WaitingForAuth(EndToEndTest):
    def start_with(self, **settings):
        self.server = self.serve(**settings)
        self.net = self.server.child("net")
        return self.server

    def stop_auth(self):
        auth = self.server.child("auth")
        os.kill(auth, signal.SIGSTOP)
        self.addCleanup(self.let_auth_go_on, auth)
        return auth

    @staticmethod
    def let_auth_go_on(auth):
        with contextlib.suppress(ProcessLookupError):
            os.kill(auth, signal.SIGCONT)

    def ask_for_login(self, source="127.0.0.1", password=b"wrong"):
        """A connection that waits for the answer to its PASS."""
        control = Control(self.server.port, source=source)
        try:
            control.start_tls().send_bytes(b"USER alice\r\nPASS " + password + b"\r\n")
            self.assertEqual(control.reply().code, 331)
        except BaseException:
            control.close()
            raise
        return control

    def test_unauthenticated_clients_that_go_on_coming_stay_within_the_bounds_and_cost_no_hash(self):
        most = 20
        server = self.start_with(max_unauthenticated=most)
        before = descriptors(self.net)
        log_before = server.log_size()
        auth = self.stop_auth()
        highest = 0

        deadline = time.monotonic() + scaled(20)

        def come_and_go(address):
            for _ in itertools.takewhile(lambda _: time.monotonic() < deadline, range(30)):
                with contextlib.suppress(OSError, AssertionError):
                    self.ask_for_login(address).close()
        unauthenticated = [threading.Thread(target=come_and_go, args=(f"127.0.0.{i}",)) for i in range(2, 8)]
        for thread in unauthenticated:
            thread.start()
        while any(thread.is_alive() for thread in unauthenticated):
            highest = max(highest, descriptors(self.net))
        # 16 may be on their way out.
        self.assertLessEqual(highest, before + most + 20)
        os.kill(auth, signal.SIGCONT)
        until(lambda: can_log_in(server.port), "a user gets in")
        until(lambda: descriptors(self.net) <= before + 1, "all descriptors are free again")
        checked = re.findall("event=login user=alice .*result=refused", server.log.text[log_before:])
        self.assertLessEqual(len(checked), 2 * most, "guesses of those who had to go were not checked")

    @timing
    def test_the_lot_ends_one_that_waits_at_once(self):
        self.start_with(max_unauthenticated=3)
        self.stop_auth()
        waiting = [self.ask_for_login(ATTACKER) for _ in range(3)]
        before = self.server.log_size()
        with connect(self.server.port):
            self.server.log.wait_for(f"event=disconnected id=\\d+ peer={ATTACKER} .*Too many connections", before, 2)
        for control in waiting:
            control.close()

    @timing
    def test_one_whose_client_has_reset_it_is_gone_within_seconds(self):
        self.start_with()
        session = logged_in(self.server.port)  # so net has its channel to auth
        self.addCleanup(session.close)
        before = descriptors(self.net)
        self.stop_auth()
        control = self.ask_for_login()
        control.reset_on_close()
        control.close()
        self.server.log.wait_for('event=disconnected .*reason="reset by the client"', seconds=4)
        until(lambda: descriptors(self.net) <= before, "its descriptor is free")

    def test_one_whose_client_has_only_ended_its_side_gets_its_answer(self):
        self.start_with()
        auth = self.stop_auth()
        control = self.ask_for_login(password=b"correct horse battery staple")
        # Below TLS, which Python would take for ended in both directions.
        with socket.socket(fileno=os.dup(control.into_socket().fileno())) as below:
            below.shutdown(socket.SHUT_WR)
        os.kill(auth, signal.SIGCONT)
        self.assertEqual(control.reply().code, 230)
        control.close()

    def test_login_timeout_counts_while_auth_is_waited_for(self):
        self.start_with(login_timeout="2s")
        self.stop_auth()
        with self.ask_for_login() as control:
            reply = control.reply()
            self.assertEqual(reply.code, 421)
            self.assertIn("No login in time", reply.text)
            self.assertTrue(control.ended())

    def test_the_end_of_the_server_is_the_end_of_the_wait(self):
        self.start_with()
        with logged_in(self.server.port) as session:
            auth = self.stop_auth()
            unauthenticated = self.ask_for_login()
            self.addCleanup(unauthenticated.close)
            session.send("SITE SESSION LIST")
            self.server.process.terminate()
            for control in (session, unauthenticated):
                reply = control.reply()
                self.assertEqual((reply.code, "shutting down" in reply.text), (421, True))
        os.kill(auth, signal.SIGCONT)
        self.assertEqual(self.server.process.wait(scaled(15)), 0)

    def test_the_memory_of_a_flood_comes_back(self):
        self.start_with()
        for _ in range(20):
            self.assertTrue(can_log_in(self.server.port))
        before = resident_bytes(self.net)
        unauthenticated = [connect(self.server.port) for _ in range(700)]
        high = resident_bytes(self.net)
        for control in unauthenticated:
            control.close()
        until(lambda: resident_bytes(self.net) <= before + (high - before) // 3, "most of it is the system's again", 20)


@timing
@unittest.skipUnless(HAS_STRACE, "strace is not installed")
class WaitingForTheDisk(EndToEndTest):
    @contextlib.contextmanager
    def waiting(self):
        """A session whose directory is being synced, which takes ten seconds."""
        self.server = self.serve()
        delay = ["-e", "inject=fsync,syncfs:delay_enter=10000000"]
        with logged_in(self.server.port) as control, \
                calls_of_process(self.server.site, self.server.child("net"), ["fsync", "syncfs"], *delay):
            control.send("MKD slow")
            self.server.log.wait_for("event=directory-made .*slow")
            yield control

    def test_one_that_is_to_end_ends_within_seconds_and_acknowledges_nothing(self):
        with self.waiting() as control:
            began = time.monotonic()
            self.assertEqual(self.server.site.ftpcd("user", "lock", "alice").returncode, 0)
            self.assertEqual([control.reply().code, control.reply().code], [451, 421])
            self.assertTrue(control.ended())
            self.assertLess(time.monotonic() - began, scaled(6))

    def test_one_whose_client_has_reset_it_is_gone_within_seconds(self):
        with self.waiting() as control:
            control.reset_on_close()
            control.close()
            self.server.log.wait_for('event=disconnected .*reason="reset by the client"', seconds=4)


if __name__ == "__main__":
    unittest.main()
