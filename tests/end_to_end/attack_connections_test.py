"""Connections that come and go as no honest client's do leave nothing behind in the server."""
import contextlib
import os
import pathlib
import random
import socket
import struct
import threading
import time
import unittest

from harness import PASSWORD, SCALE, SharedServerTest, cpu_seconds, directories_in, resident_bytes, scaled, until
from control_client import Control, connect, logged_in

RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time at all: closing resets the connection


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Connections(SharedServerTest):
    settings = {"durability": "none"}

    def setUp(self):
        self.net, self.auth = self.server.child("net"), self.server.child("auth")
        self.address = ("127.0.0.1", self.server.port)
        with logged_in(self.server.port):  # everything is set up that is made at first use
            pass
        self.descriptors = until(self.settled_descriptors, "the server is at rest")
        self.memory = resident_bytes(self.net)

    def settled_descriptors(self):
        with contextlib.suppress(OSError, AssertionError):
            with Control(self.server.port) as control:  # earlier connections are known by now
                control.ask("QUIT")
        counts = {descriptors_of(self.net)}
        time.sleep(scaled(0.02))
        counts.add(descriptors_of(self.net))
        return counts.pop() if len(counts) == 1 else None

    def tearDown(self):
        until(lambda: self.settled_descriptors() == self.descriptors, f"descriptors are back at {self.descriptors}", 20)
        self.assertLess(resident_bytes(self.net) - self.memory, 16 << 20)
        self.assertEqual((self.server.child("net"), self.server.child("auth")), (self.net, self.auth), self.server.log.text)

    def unauthenticated_client(self):
        plain = socket.create_connection(self.address, scaled(10))
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return plain

    def test_a_thousand_connections_that_are_reset_at_once(self):
        for i in range(1000):
            with contextlib.suppress(OSError), self.unauthenticated_client() as plain:
                if i % 4 == 1:
                    plain.sendall(b"AUTH TLS\r\n")
                elif i % 4 == 2:
                    plain.recv(3)
                elif i % 4 == 3:
                    plain.sendall(b"NOOP\r\n" * 100)

    def test_connections_that_are_half_closed(self):
        unauthenticated = [socket.create_connection(self.address, scaled(10)) for _ in range(50)]
        for i, plain in enumerate(unauthenticated):
            plain.sendall([b"", b"AUTH TLS\r\n", b"NOOP\r\nNOOP\r\n", b"half a line"][i % 4])
            plain.shutdown(socket.SHUT_WR)
        for i, plain in enumerate(unauthenticated):
            received = b""
            with plain, contextlib.suppress(ConnectionResetError):
                while got := plain.recv(65536):
                    received += got
            self.assertEqual(received[:4], b"220 ")
            if i % 4 == 2:
                self.assertEqual(received.count(b"\r\n200 "), 2, "what was asked before the end is answered")

    def test_commands_inside_tls_before_a_half_close_are_answered(self):
        # Without close_notify: once OpenSSL has seen such an end, it writes nothing more.
        for i in range(40):
            names = [f"v{i}-{j}" for j in range(10 + i)]
            with self.subTest(commands=len(names)), logged_in(self.server.port) as control:
                with socket.socket(fileno=os.dup(control.into_socket().fileno())) as plain:
                    control.send_bytes("".join(f"MKD {name}\r\n" for name in names).encode())
                    plain.shutdown(socket.SHUT_WR)
                self.assertEqual([control.reply().code for _ in names], [257] * len(names))
                self.assertTrue(control.ended())

    def test_clients_that_vanish_while_they_are_served(self):
        # A client that goes away in the middle of something was CVE-2020-9273: its memory was used once more.
        random.seed(20250105)
        endings = [["USER alice", f"PASS {PASSWORD}"], ["USER alice", "PASS wrong"], ["USER alice", f"PASS {PASSWORD}"] + [f"MKD v{i}" for i in range(50)],
                   ["USER alice", f"PASS {PASSWORD}", "SITE MKDIR a/b/c/d", "SITE SESSION LIST", "REIN"], ["REIN"],
                   ["USER alice", f"PASS {PASSWORD}", "SITE SESSION LIST"] * 3]
        for i in range(60):
            with connect(self.server.port) as control:
                control.send_bytes("".join(line + "\r\n" for line in endings[i % len(endings)]).encode())
                for _ in range(random.randrange(3)):
                    control.reply()
                if i % 2:
                    control.reset_on_close()
        self.assertEqual({name for name in directories_in(self.server.site.root / "alice") if not name.startswith(("v", "a"))}, set())

    def test_bytes_that_come_one_by_one(self):
        slow = [Control(self.server.port), logged_in(self.server.port)]
        for control in slow:
            self.addCleanup(control.close)
        before = cpu_seconds(self.net)
        for byte in b"NOOP slowly\r\n" * 8:
            for control in slow:
                control.send_bytes(bytes([byte]))
        for control in slow:
            self.assertEqual([control.reply().code for _ in range(8)], [200] * 8)
            control.close()
        self.assertLess(cpu_seconds(self.net) - before, scaled(0.5))

    def test_a_hundred_silent_connections_cost_little_and_disturb_nobody(self):
        silent = [Control(self.server.port) for _ in range(100)]
        for i, control in enumerate(silent):
            self.addCleanup(control.close)
            if i % 2:
                control.start_tls()
        before = cpu_seconds(self.net)
        with logged_in(self.server.port) as friend:
            began = time.monotonic()
            asked = 0
            while time.monotonic() - began < 0.5:
                self.assertEqual(friend.code("NOOP"), 200)
                asked += 1
        self.assertLess(cpu_seconds(self.net) - before, scaled(0.2) + asked * 0.001)
        self.assertLess(resident_bytes(self.net) - self.memory, 16 << 20)
        for control in silent:
            control.close()

    def test_connections_from_many_threads_at_once(self):
        failures = []

        def come_and_go():
            for _ in range(10):
                try:
                    with connect(self.server.port) as control:
                        if control.code("NOOP") != 200:
                            failures.append("no answer")
                except (OSError, AssertionError) as failure:
                    failures.append(failure)
        threads = [threading.Thread(target=come_and_go) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class LoginTimeoutRace(SharedServerTest):
    """The end of the time for a login comes during its check, a TLS handshake, or a reply.
    CVE-2024-6387 lay in a handler of that moment."""

    settings = {"login_timeout": f"{max(1, round(SCALE))}s", "scrypt": "ln=14,r=8,p=1", "durability": "none"}

    def test_logins_at_the_moment_of_the_time_out(self):
        net, auth = self.server.child("net"), self.server.child("auth")
        seconds = max(1, round(SCALE))
        random.seed(20250106)
        controls = [Control(self.server.port) if i % 3 == 0 else connect(self.server.port) for i in range(24)]
        began = time.monotonic()
        codes = []

        def late(i, control):
            with control, contextlib.suppress(OSError, AssertionError):
                time.sleep(max(0.0, began + seconds - 0.15 + 0.4 * i / len(controls) - time.monotonic()))  # around the moment
                if i % 3 == 0:
                    control.start_tls()
                control.send_bytes(f"USER alice\r\nPASS {PASSWORD}\r\nNOOP\r\n".encode())
                while (code := control.reply().code) not in (0, 421):
                    codes.append(code)
                    if code == 200:
                        break
        threads = [threading.Thread(target=late, args=each) for each in enumerate(controls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(codes), {331, 230, 200, 234})
        self.assertEqual((self.server.child("net"), self.server.child("auth")), (net, auth), self.server.log.text)
        self.server.site.configure(login_timeout="1m")  # on a busy machine a login takes longer than the time-out of this test
        self.server.log.wait_for("event=reloaded", self.server.hang_up())
        until(lambda: self.can_log_in_now(), "logins work")
        self.assertTrue(pathlib.Path(f"/proc/{net}").exists())

    def can_log_in_now(self):
        with contextlib.suppress(OSError, AssertionError):
            with logged_in(self.server.port) as control:
                return control.code("NOOP") == 200
        return False


if __name__ == "__main__":
    unittest.main()
