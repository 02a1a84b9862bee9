"""Before TLS an unauthenticated client can do nothing, and no harm."""
import random
import socket
import time
import unittest

from harness import SharedServerTest, cpu_seconds, resident_bytes, scaled, until
from control_client import Control, connect, logged_in, realm_of


class BeforeTls(SharedServerTest):
    def test_login_and_everything_behind_it_is_refused(self):
        with Control(self.server.port) as control:
            for line in ["USER alice", "PASS correct horse battery staple", "MKD x", "SITE AUTH PREHASH1 " + "A" * 43,
                         "SITE SESSION LIST", "SITE TIME", "SITE MKDIR x", "PBSZ 0", "PROT P", "CWD /", "PWD", "STAT", "REIN", "OPTS UTF8 ON", "CLNT x",
                         "PASV", "EPSV", "LIST", "MLSD", "MLST", "SIZE x", "ABOR", "RETR x", "SITE MLSD /"]:
                self.assertEqual(control.code(line), 534, line)
            self.assertEqual(control.code("USER alice"), 534, "still, and without counting")
            for line, code in [("FEAT", 211), ("HELP", 214), ("SYST", 215), ("NOOP", 200), ("AUTH SSL", 504), ("QUIT", 221)]:
                self.assertEqual(control.code(line), code, line)
            self.assertTrue(control.ended())

    def test_site_features_are_announced_inside_tls_only(self):
        with Control(self.server.port) as control:
            self.assertNotIn("SITE", control.ask("FEAT").text)
            control.start_tls()
            realm_of(control)
            self.assertRegex(control.ask("FEAT").text, r"SITE AUTH PREHASH1;SESSKEY1\n SITE MKDIR\n SITE MLSD\n SITE REALM [0-9a-f]{32}\n SITE SESSION\n")
            self.assertEqual(control.code("AUTH TLS"), 503)

    def test_auth_tls_may_come_before_the_greeting_is_read(self):
        with socket.create_connection(("127.0.0.1", self.server.port), scaled(10)) as early:
            early.sendall(b"AUTH TLS\r\n")
            received = b""
            while received.count(b"\r\n") < 2:
                received += early.recv(1000)
            self.assertRegex(received, rb"\A220 [^\r]*\r\n234 [^\r]*\r\n\Z")

    def test_bytes_behind_auth_tls_end_the_connection(self):
        for behind in [b"USER alice\r\n", b"x", b"\x16\x03\x01"]:
            with self.subTest(behind=behind), Control(self.server.port) as control:
                control.send_bytes(b"AUTH TLS\r\n" + behind)
                self.assertNotEqual(control.reply().code, 234)
                self.assertTrue(control.ended())

    def test_commands_before_tls_are_forgotten_in_it(self):
        with Control(self.server.port) as control:
            control.send_bytes(b"NOOP\r\nUSER alice\r\nAUTH TLS\r\n")
            self.assertEqual([control.reply().code for _ in range(3)], [200, 534, 234])
            control.shake_hands()
            self.assertEqual(control.code("PASS correct horse battery staple"), 503)

    def test_rein_goes_back_to_clear_and_nothing_is_left_of_the_login(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("REIN"), 220)
            control.stop_tls()
            self.assertEqual(control.code("MKD x"), 534)
            control.start_tls()
            self.assertEqual(control.code("MKD x"), 530)
            self.assertEqual(control.log_in().code, 230)

    def test_a_failed_handshake_ends_that_connection_only(self):
        with connect(self.server.port) as other:
            with Control(self.server.port) as control:
                self.assertEqual(control.code("AUTH TLS"), 234)
                control.send_bytes(b"USER alice\r\nPASS x\r\n" * 10)
                while control.reply().code:
                    pass
            self.assertEqual(other.code("NOOP"), 200)


class Noise(SharedServerTest):
    def setUp(self):
        self.net = self.server.child("net")

    def assert_unharmed(self):
        self.assertEqual(self.server.child("net"), self.net, self.server.log.text)
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("NOOP"), 200)

    def send_noise(self, noise):
        """The replies, however the connection ends."""
        with socket.create_connection(("127.0.0.1", self.server.port), scaled(10)) as unauthenticated:
            try:
                unauthenticated.sendall(noise)
                unauthenticated.shutdown(socket.SHUT_WR)
                received = b""
                while got := unauthenticated.recv(65536):
                    received += got
            except OSError:  # reset, at one moment or another
                return None
            return received

    def test_binary_noise_never_crashes(self):
        random.seed(20250101)
        for size in [1, 2, 3, 100, 5_000, 50_000, 200_000]:
            for _ in range(5):
                self.send_noise(random.randbytes(size))
        self.assert_unharmed()

    def test_noise_in_lines_never_crashes(self):
        random.seed(20250102)
        for _ in range(20):
            lines = [random.randbytes(random.randrange(60)) for _ in range(200)]
            received = self.send_noise(b"\r\n".join(lines) + b"\r\n")
            if received is not None:
                self.assertRegex(received, rb"\A220 ")
        self.assert_unharmed()

    def test_a_tls_hello_without_auth_tls_never_crashes(self):
        self.send_noise(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n")
        self.assert_unharmed()

    def test_noise_in_the_place_of_the_handshake_never_crashes(self):
        random.seed(20250103)
        for size in [1, 5, 500, 20_000]:
            with Control(self.server.port) as control:
                self.assertEqual(control.code("AUTH TLS"), 234)
                control.send_bytes(random.randbytes(size))
        self.assert_unharmed()

    def test_open_connections_with_half_of_something_do_not_spin(self):
        unauthenticated = [Control(self.server.port) for _ in range(12)]
        for i, control in enumerate(unauthenticated):
            self.addCleanup(control.close)
            if i % 3 == 0:
                control.send_bytes(b"\xff\xfe\x00 half a line")
            elif i % 3 == 1:
                self.assertEqual(control.code("AUTH TLS"), 234)
                control.send_bytes(b"\x16\x03\x01\x40\x00")  # a record that never comes whole
            else:
                self.assertEqual(control.code("AUTH TLS"), 234)
        before, began = cpu_seconds(self.net), time.monotonic()
        until(lambda: time.monotonic() - began > 1.0, "a second of nothing", 5)
        self.assertLess(cpu_seconds(self.net) - before, 0.3)
        self.assert_unharmed()

    def test_an_endless_line_ends_the_connection_at_a_bounded_size(self):
        before = resident_bytes(self.net)
        sent = 0
        with socket.create_connection(("127.0.0.1", self.server.port), scaled(10)) as unauthenticated:
            try:
                while sent < 256 << 20:
                    sent += unauthenticated.send(b"A" * 65536)
            except (ConnectionResetError, BrokenPipeError):
                pass
        self.assertLess(sent, 64 << 20, "the buffers of the kernel, and no more")
        self.assertLess(resident_bytes(self.net) - before, 16 << 20)
        self.assert_unharmed()


if __name__ == "__main__":
    unittest.main()
