"""Connections that only sit there: a login in time, commands in time, and no more connections than allowed."""
import contextlib
import os
import re
import socket
import subprocess
import time
import unittest

from harness import PASSWORD, SCALE, SOURCE, SharedServerTest, resident_bytes, scaled, timing, until
from control_client import Control, connect, logged_in

FTP_LOAD = os.environ.get("FTP_LOAD", str(SOURCE / "build/release/tests/ftp_load"))
TIMEOUT = max(1, round(SCALE))  # seconds; long enough to log in


@timing
class Timeouts(SharedServerTest):
    settings = {"login_timeout": f"{TIMEOUT}s", "idle_timeout": f"{TIMEOUT}s"}

    def assert_ends_with_421(self, control, words):
        began = time.monotonic()
        answer = control.reply()
        self.assertEqual(answer.code, 421)
        self.assertIn(words, answer.text)
        self.assertTrue(control.ended())
        self.assertLess(time.monotonic() - began, TIMEOUT + scaled(3))

    def test_no_login_in_time_in_clear_or_inside_tls(self):
        with Control(self.server.port) as in_clear, connect(self.server.port) as inside:
            for control in (in_clear, inside):
                self.assert_ends_with_421(control, "No login in time")

    def test_commands_that_are_no_login_do_not_extend_the_time(self):
        with connect(self.server.port) as control:
            began = time.monotonic()
            while (code := control.code("NOOP")) == 200:
                self.assertLess(time.monotonic() - began, TIMEOUT + scaled(3))
            # The server may have closed while the NOOP was under way.
            self.assertIn(code, (421, 0))

    def test_an_idle_session_even_with_half_a_command(self):
        with logged_in(self.server.port) as silent, logged_in(self.server.port) as half:
            half.send_bytes(b"MKD never-fin")
            for control in (silent, half):
                self.assert_ends_with_421(control, "Idle for too long")
        self.assertEqual(list((self.server.site.root / "alice").iterdir()), [])

    def test_a_session_with_commands_is_not_idle(self):
        with logged_in(self.server.port) as control:
            began = time.monotonic()
            while time.monotonic() - began < 2.5 * TIMEOUT:
                self.assertEqual(control.code("NOOP"), 200)

    def test_a_handshake_that_never_comes(self):
        with Control(self.server.port) as control:
            self.assertEqual(control.code("AUTH TLS"), 234)
            began = time.monotonic()
            self.assertTrue(control.ended())
            self.assertLess(time.monotonic() - began, TIMEOUT + scaled(4))

    def test_a_handshake_that_begins_and_never_ends(self):
        with Control(self.server.port) as control:
            self.assertEqual(control.code("AUTH TLS"), 234)
            # The record header of a ClientHello of 512 bytes, and a byte of it now and then.
            control.send_bytes(b"\x16\x03\x01\x02\x00")
            began = time.monotonic()
            with self.assertRaises(OSError):
                while True:
                    self.assertLess(time.monotonic() - began, TIMEOUT + scaled(4))
                    control.send_bytes(b"\x01")
                    time.sleep(0.05)

    def test_a_client_that_sends_and_never_reads(self):
        with logged_in(self.server.port) as control:
            control.wait_at_most(0.5)
            with self.assertRaises(OSError):  # every buffer between the two is full, and the server reads no more
                while True:
                    control.send_bytes(b"STAT\r\n" * 1000)
            control.wait_at_most(10)
            codes = set()
            while (reply := control.reply()).code:
                codes.add(reply.code)
            self.assertEqual(codes - {421}, {211}, "what was answered before the end can be read")


@timing
class ShorterThanTheLoginTime(SharedServerTest):
    """Bounds on single steps hold although there is much time left for the login and for being idle."""

    settings = {"login_timeout": "1h", "idle_timeout": "1h", "tls_timeout": f"{TIMEOUT}s", "write_timeout": f"{TIMEOUT}s"}

    def test_a_handshake_that_never_comes(self):
        with Control(self.server.port) as control:
            self.assertEqual(control.code("AUTH TLS"), 234)
            self.assertTrue(control.ended())
        self.server.log.wait_for("event=disconnected .*reason=tls-timeout")

    def test_a_handshake_in_time_leaves_time_for_the_login(self):
        with connect(self.server.port) as control:
            time.sleep(1.5 * TIMEOUT)
            self.assertEqual(control.log_in().code, 230)
            time.sleep(1.5 * TIMEOUT)
            self.assertEqual(control.code("NOOP"), 200)

    def test_a_client_that_does_not_read_is_cut_off_and_one_that_reads_slowly_is_not(self):
        server = self.serve(**self.settings)  # of its own: its log tells of these two connections alone
        with logged_in(server.port) as deaf, logged_in(server.port) as slow:
            for control, seconds in ((deaf, 0.5), (slow, 0.1)):  # the slow one reads on well before its time is over
                control.wait_at_most(seconds)
                with self.assertRaises(OSError):
                    while True:
                        control.send_bytes(b"STAT\r\n" * 1000)
            ended = []
            reader = slow.into_socket()

            def read_on():
                with contextlib.suppress(TimeoutError):
                    ended.append(reader.recv(65536) == b"")
                return re.search("event=disconnected", server.log.text)
            until(read_on, "the deaf client is cut off", TIMEOUT / SCALE + 10)
            self.assertNotIn(True, ended)
            server.log.wait_for("event=disconnected .*reason=write-timeout")
            self.assertEqual(len(re.findall("event=disconnected", server.log.text)), 1)


class ClientsThatDoNotRead(SharedServerTest):
    def test_the_server_holds_a_bounded_amount_for_each(self):
        net = self.server.child("net")
        clients = [logged_in(self.server.port) for _ in range(20)]
        try:
            before = resident_bytes(net)
            for control in clients:
                control.wait_at_most(0.3)
                with self.assertRaises(OSError):
                    while True:
                        control.send_bytes(b"STAT\r\n" * 10000)
            # 16 KiB of commands and 64 KiB of replies, and room for the allocator and TLS.
            self.assertLess((resident_bytes(net) - before) / len(clients), 400_000)
        finally:
            for control in clients:
                control.close()

    def test_the_kernel_holds_a_bounded_amount_for_each(self):
        with logged_in(self.server.port) as control:
            own_socket = control.into_socket()
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # the rest is held on the server's side
                own_socket.setsockopt(socket.SOL_SOCKET, buffer, 8192)
            control.wait_at_most(0.5)
            taken = 0
            with self.assertRaises(OSError):
                while True:
                    control.send_bytes(b"STAT\r\n" * 100)
                    taken += 600
            self.assertLess(taken, 400_000)


class LastReplies(SharedServerTest):
    def test_a_slow_reader_gets_all_replies_with_any_bytes_behind_the_end(self):
        with connect(self.server.port) as control:
            control.log_in()
            own_socket = control.into_socket()
            own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            control.send_while_reading(b"STAT\r\n" * 3000 + b"QUIT\r\n" + b"NOOP\r\n" * 50_000)
            replies = [control.reply().code for _ in range(3001)]
        self.assertEqual(replies, [211] * 3000 + [221])


class Floods(SharedServerTest):
    """Clients who always have more to say than the server reads at a time."""

    settings = {"reactors": "1"}

    def test_others_have_their_turn(self):
        home = self.server.site.root / "alice"
        flood = subprocess.Popen(
            [FTP_LOAD, "directories", "--server", f"127.0.0.1:{self.server.port}", "--user", "alice", "--sessions", "16",
             "--in-flight", "6000", "--seconds", str(scaled(10))], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            flood.stdin.write(PASSWORD + "\n")
            flood.stdin.close()
            until(lambda: len(os.listdir(home)) > 2000, "the flood is under way")
            with logged_in(self.server.port) as friend:
                self.assertIsNone(flood.poll(), "only after the flood did anybody get in")
                for _ in range(50):
                    self.assertEqual(friend.code("NOOP"), 200)
            self.assertIsNone(flood.poll(), "others had their turn after the flood only")
        finally:
            flood.kill()
            flood.wait()

    def test_commands_behind_rein_are_bounded(self):
        # It never comes to the close_notify that has to follow, and must not be read for as long as it lasts.
        with connect(self.server.port) as control:
            control.send("REIN")
            sent = 0
            with self.assertRaises(OSError):
                while sent < 50_000_000:
                    control.send_bytes(b"NOOP\r\n" * 10_000)
                    sent += 60_000
            self.assertLess(sent, 5_000_000)


class MaxConnections(SharedServerTest):
    settings = {"max_connections": "3"}

    def test_one_too_many_gets_421_and_room_comes_back(self):
        open_connections = [logged_in(self.server.port) for _ in range(3)]
        try:
            with Control(self.server.port) as control:
                self.assertEqual(control.greeting.code, 421)
                self.assertTrue(control.ended())
            self.assertEqual(open_connections[0].code("NOOP"), 200)
            open_connections.pop().close()
            deadline = time.monotonic() + scaled(5)
            while True:
                with Control(self.server.port) as control:
                    if control.greeting.code == 220:
                        break
                self.assertLess(time.monotonic(), deadline)
        finally:
            for control in open_connections:
                control.close()

    def test_a_flood_of_connections_leaves_the_server_working(self):
        net = self.server.child("net")
        for _ in range(300):
            socket.create_connection(("127.0.0.1", self.server.port)).close()
        deadline = time.monotonic() + scaled(5)
        while True:
            with Control(self.server.port) as control:
                if control.greeting.code == 220:
                    break
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.server.child("net"), net)


if __name__ == "__main__":
    unittest.main()
