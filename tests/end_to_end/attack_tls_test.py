"""TLS under attack: weak versions, commands in clear, and chatter that must not stop the others."""
import contextlib
import os
import random
import select
import socket
import ssl
import subprocess
import threading
import time
import unittest
import warnings
import xml.etree.ElementTree

from harness import PASSWORD, SCALE, EndToEndTest, SharedServerTest, cpu_seconds, directories_in, resident_bytes, run, scaled
from control_client import ENDED, Control, connect, logged_in, trusting_context
from raw_tls import TLS1_2, TLS1_3, RawTlsContext, fill_with_key_updates

# Every method of HTTP that a page can make a browser send, and the field that follows if it is cut off.
HTTP_LINES = ["GET / HTTP/1.1", "POST / HTTP/1.1", "HEAD / HTTP/1.0", "PUT /x HTTP/1.1", "DELETE / HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1",
              "TRACE / HTTP/1.1", "PATCH / HTTP/1.1", "PRI * HTTP/2.0", "Host: files.example.org", "GET", "GET /"]


def context_of(version, ciphers=None):
    context = trusting_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    return context


class Handshakes(SharedServerTest):
    users = ("alice", "bob")

    def setUp(self):
        self.home = self.server.site.root / "alice"
        self.net = self.server.child("net")

    def tearDown(self):
        self.assertEqual(self.server.child("net"), self.net, self.server.log.text)
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("NOOP"), 200)

    def assert_no_handshake(self, context):
        with Control(self.server.port) as control:
            with self.assertRaises(OSError):
                control.start_tls(context)
            self.assertTrue(control.ended())

    def test_commands_behind_auth_tls_are_never_executed(self):
        # CVE-2011-0411, in Pure-FTPd CVE-2011-1575: bytes read ahead in clear are taken for bytes through
        # TLS. As bob, whom no other test here knows.
        behind = f"USER bob\r\nPASS {PASSWORD}\r\nMKD injected\r\n".encode()
        for cut in (0, 1, 5, len(behind)):
            with Control(self.server.port) as control:
                control.send_bytes(b"AUTH TLS\r\n" + behind[:cut])
                if control.reply().code == 234:  # all that was injected comes later, in the place of the handshake
                    with contextlib.suppress(OSError):
                        control.send_bytes(behind[cut:])
                self.assertTrue(control.ended())
        self.assertFalse((self.server.site.root / "bob" / "injected").exists())
        with connect(self.server.port) as control:
            control.log_in("carol", "x")
        self.server.log.wait_for("event=login user=carol ")  # a login before that would be in the log by now
        self.assertNotIn("user=bob", self.server.log.text)

    def test_an_injected_half_line_does_not_become_the_start_of_the_first_command(self):
        with Control(self.server.port) as control:
            control.send_bytes(b"MKD ")  # no line end: held in the buffer, or so one would hope
            control.send_bytes(b"AUTH TLS\r\n")
            self.assertEqual(control.reply().code, 534, "it is MKD, in clear")
            control.start_tls()
            self.assertEqual(control.code("NOOP"), 200)

    def test_auth_tls_twice(self):
        with connect(self.server.port) as control:
            for line in ("AUTH TLS", "AUTH SSL", "AUTH TLS-P"):
                self.assertEqual(control.code(line), 503)
            self.assertEqual(control.log_in().code, 230)
            self.assertEqual(control.code("AUTH TLS"), 503)
            self.assertEqual(control.code("NOOP"), 200)
        with Control(self.server.port) as control:
            control.send_bytes(b"AUTH TLS\r\nAUTH TLS\r\n")
            self.assertTrue(control.ended())

    def test_old_versions_and_weak_ciphers_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            self.assert_no_handshake(context_of(version, "ALL:@SECLEVEL=0"))
        for ciphers in ("AES128-GCM-SHA256", "ECDHE+AES+SHA", "ECDHE-ECDSA-AES128-SHA256", "DHE:@SECLEVEL=0", "aNULL:@SECLEVEL=0"):
            self.assert_no_handshake(context_of(ssl.TLSVersion.TLSv1_2, ciphers))

    def test_protocols_of_others_are_refused_by_alpn(self):
        for offered in (["http/1.1"], ["h2", "http/1.1"], ["smtp"], ["ftp-data"], ["FTP"]):
            context = trusting_context()
            context.set_alpn_protocols(offered)
            self.assert_no_handshake(context)
        context = trusting_context()
        context.set_alpn_protocols(["http/1.1", "ftp"])
        with Control(self.server.port) as control:
            self.assertEqual(control.start_tls(context).into_socket().selected_alpn_protocol(), "ftp")

    def test_http_ends_the_connection_before_and_inside_tls(self):
        # A browser that is led here by somebody on the path (ALPACA, CVE-2021-3618): that one shakes hands for AUTH TLS, the page
        # chooses the body. Nothing of it is executed, and nothing of the request comes back.
        body = f"\r\nUSER alice\r\nPASS {PASSWORD}\r\nMKD by-the-page\r\n<script>reflected</script>\r\n"
        for make in (Control, connect):
            for line in HTTP_LINES:
                with self.subTest(make=make.__name__, line=line), make(self.server.port) as control:
                    control.send(line + body)
                    self.assertEqual(control.reply(), (421, "This is not a web server."))
                    self.assertTrue(control.ended())
        self.assertFalse((self.home / "by-the-page").exists())
        with logged_in(self.server.port) as control:
            for line in ("get x", "HOST files.example.org", "DELE x", "GETX", "Hosts: x"):
                self.assertIn(control.code(line), (500, 502), line)
            self.assertNotIn("reflected", control.ask("<script>reflected</script>").text)

    def test_a_line_that_truncation_leaves_without_an_end_is_not_executed(self):
        for close_notify in (False, True):
            for rest in (b"MKD cut", b"MKD cut\r", b"MKD cut\n"):
                with Control(self.server.port) as control:
                    control.start_tls(RawTlsContext())
                    self.assertEqual(control.log_in().code, 230)
                    control.send_bytes(b"MKD whole\r\n" + rest)
                    self.assertIn(control.reply().code, (257, 521))
                    raw = control.into_socket()
                    if close_notify:
                        raw.close_notify()
                    raw.below().shutdown(socket.SHUT_WR)
                    while control.reply() != ENDED:
                        pass
        self.assertEqual({name for name in directories_in(self.home) if "cut" in name}, set())

    def test_no_control_connection_resumes_a_session_or_takes_early_data(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = context_of(version)
            with Control(self.server.port) as control:
                control.start_tls(context)
                self.assertEqual(control.code("NOOP"), 200)  # the tickets came before its reply
                inside = control.into_socket()
                session = inside.session
                self.assertTrue(session.has_ticket)  # it is for data connections
                self.assertFalse(inside.session_reused)
            with Control(self.server.port) as control:
                self.assertEqual(control.code("AUTH TLS"), 234)
                with context.wrap_socket(control.into_socket(), server_hostname="127.0.0.1", session=session) as inside:
                    self.assertFalse(inside.session_reused, version)

    def test_the_binding_of_one_connection_is_not_that_of_another(self):
        bindings = set()
        for _ in range(3):
            with Control(self.server.port) as control:
                bindings.add(control.start_tls(RawTlsContext()).into_socket().channel_binding())
        self.assertEqual(len(bindings), 3)

    def test_renegotiation_is_refused(self):
        # CVE-2009-3555, and as a burden CVE-2011-1473. TLS 1.3 has none.
        for _ in range(5):
            with Control(self.server.port) as control:
                control.start_tls(RawTlsContext(TLS1_2))
                self.assertEqual(control.log_in().code, 230)
                self.assertFalse(control.into_socket().renegotiate())

    def test_records_that_are_too_long_or_none(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for record in [b"\x17\x03\x03\xff\xff" + bytes(65535), b"\x17\x03\x03\x41\x01" + bytes(0x4101), b"\x17\x03\x03\x00\x00" * 100,
                           b"\x15\x03\x03\x00\x02\x01\x00" * 1000, b"\x16\x03\x03\x00\x04\x01\x00\x00\x00" * 50, b"\x18\x03\x03\x00\x03\x01\x40\x00",
                           b"\x14\x03\x03\x00\x01\x01" * 1000, b"GET / HTTP/1.1\r\n\r\n", b"\x80\x2e\x01\x03\x01", b"\x17\x03\x03\x00\x10" + bytes(16)]:
                with Control(self.server.port) as control:
                    control.start_tls(context_of(version))
                    plain = socket.socket(fileno=os.dup(control.into_socket().fileno()))
                    with plain, contextlib.suppress(OSError):
                        plain.sendall(record)
                    self.assertTrue(control.ended(), record[:16])
        for record in [b"\x16\x03\x01\xff\xff" + bytes(65535), b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + bytes(100_000), b"\x15\x03\x01\x00\x02\x01\x00" * 100,
                       b"\x18\x03\x01\x00\x03\x01\x40\x00", b"\x16\x03\x01\x00\x00" * 1000, b"\x14\x03\x03\x00\x01\x01" * 1000]:
            with Control(self.server.port) as control:  # in the place of the handshake
                self.assertEqual(control.code("AUTH TLS"), 234)
                with contextlib.suppress(OSError):
                    control.send_bytes(record)
                    control.into_socket().shutdown(socket.SHUT_WR)
                self.assertTrue(control.ended(), record[:16])

    def test_a_client_killed_at_any_byte_of_its_handshake_or_session(self):
        flights = self.recorded_flights()
        random.seed(20250104)
        before = resident_bytes(self.net)
        for _ in range(150):
            flight = random.choice(flights)
            with Control(self.server.port) as control:
                self.assertEqual(control.code("AUTH TLS"), 234)
                plain = control.into_socket()
                plain.sendall(flight[:random.randrange(len(flight))])
                if random.random() < 0.5:
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset instead of an end
        self.assertLess(resident_bytes(self.net) - before, 16 << 20)
        for _ in range(10):  # real processes, killed where they stand
            client = subprocess.Popen(["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{self.server.port}", "-starttls", "ftp"],
                                      stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            client.stdin.write(b"USER alice\r\nPASS " + PASSWORD.encode() + b"\r\nMKD killed")
            client.stdin.flush()
            time.sleep(random.random() * 0.03)  # at some moment or other
            client.kill()
            client.communicate()
        self.assertFalse((self.home / "killed").exists())

    def recorded_flights(self):
        """A client's bytes from its hello on, as they are on the wire."""
        flights = []
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context_of(version).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            hello = outgoing.read()
            flights.append(hello)
            flights.append(hello + b"\x14\x03\x03\x00\x01\x01" + b"\x17\x03\x03\x00\x40" + bytes(64))
        return flights


class Chatter(SharedServerTest):
    """TLS messages without a command in them."""

    def test_key_updates_without_end_end_the_connection(self):
        # Each costs a few microseconds, and without a bound OpenSSL goes through all of them before it
        # returns. For seconds no other client would be answered.
        for answer_wanted in (False, True):
            with Control(self.server.port) as control, logged_in(self.server.port) as friend:
                raw = control.start_tls(RawTlsContext()).into_socket()
                records = raw.records(lambda: raw.update_key(int(60_000 / min(SCALE, 4)), answer_wanted))
                before = cpu_seconds(self.server.child("net"))
                with contextlib.suppress(OSError):  # it takes 64 KiB and the size of the buffers
                    raw.below().sendall(records)
                self.assertEqual(friend.code("NOOP"), 200)
                self.assertTrue(control.ended())
                self.assertLess(cpu_seconds(self.server.child("net")) - before, scaled(0.3))

    def test_a_few_key_updates_are_fine(self):
        with Control(self.server.port) as control:
            control.start_tls(RawTlsContext())
            for _ in range(20):
                control.into_socket().update_key(50, True)
                self.assertEqual(control.code("NOOP"), 200)


class UnreadAnswers(EndToEndTest):
    """A client that asks for new keys and does not read the answers: TLS itself has something to send, and cannot."""

    def test_it_costs_nothing_and_goes_on_when_they_are_read(self):
        server = self.serve()
        with Control(server.port) as control:
            control.start_tls(RawTlsContext())
            batches, rest = fill_with_key_updates(control)
            before = cpu_seconds(server.child("net"))
            time.sleep(1)  # of processor time, if it were not waiting
            self.assertLess(cpu_seconds(server.child("net")) - before, 0.3)
            sender = threading.Thread(target=control.into_socket().below().sendall, args=(rest,))
            sender.start()
            self.assertEqual({control.reply().code for _ in range(batches)}, {200})
            sender.join()
            self.assertEqual(control.code("NOOP"), 200)

    def test_it_is_given_up_in_the_end(self):
        server = self.serve(write_timeout=f"{max(1, round(SCALE))}s", login_timeout="1h")
        with Control(server.port) as control:
            control.start_tls(RawTlsContext())
            with contextlib.suppress(OSError):  # on a busy machine it is given up before that
                fill_with_key_updates(control)
            server.log.wait_for('event=disconnected .* reason=write-timeout')


class HalfRecords(SharedServerTest):
    """A part of a record has come, as on any slow link: the server waits for the rest, and does not poll."""

    def check_costs_nothing(self, control, line, cut):
        raw = control.into_socket()
        record = raw.records(lambda: raw.sendall(line))
        raw.below().sendall(record[:cut])
        before = cpu_seconds(self.server.child("net"))
        self.assertEqual(select.select([raw.below()], [], [], 1)[0], [], "there is nothing to answer yet")
        self.assertLess(cpu_seconds(self.server.child("net")) - before, 0.3)
        raw.below().sendall(record[cut:])
        self.assertEqual(control.reply().code, 200)

    def test_before_a_login(self):
        for cut in (4, 5, 9, -1):
            with Control(self.server.port) as control:
                control.start_tls(RawTlsContext())
                self.assertEqual(control.code("NOOP"), 200)  # the tickets came before its reply
                self.check_costs_nothing(control, b"NOOP\r\n", cut)

    def test_behind_commands_and_with_the_largest_record(self):
        for version in (TLS1_2, TLS1_3):
            with Control(self.server.port) as control:
                control.start_tls(RawTlsContext(version)).log_in()
                self.assertEqual(control.code("MKD before"), 257 if version == TLS1_2 else 521)
                self.check_costs_nothing(control, b"NOOP\r\n", 9)
                self.check_costs_nothing(control, b"NOOP " + b"x" * 8000 + b"\r\n", -1)


class Slow(EndToEndTest):
    def test_a_handshake_that_never_ends_is_given_up_even_when_it_drips(self):
        seconds = max(1, round(SCALE))
        server = self.serve(login_timeout=f"{seconds}s")
        hello = Handshakes.recorded_flights(None)[0]
        silent, dripping = Control(server.port), Control(server.port)
        self.addCleanup(silent.close)
        self.addCleanup(dripping.close)
        for control in (silent, dripping):
            self.assertEqual(control.code("AUTH TLS"), 234)
        plain, began = dripping.into_socket(), time.monotonic()
        with contextlib.suppress(OSError):
            for byte in hello[:-1]:
                plain.sendall(bytes([byte]))
                plain.settimeout(0.02 * SCALE)  # a byte each 20 ms: longer for all than the time allowed
                with contextlib.suppress(TimeoutError):
                    if not plain.recv(100):
                        break
        self.assertTrue(dripping.ended())
        self.assertTrue(silent.ended())
        self.assertLess(time.monotonic() - began, seconds + scaled(5))

    def test_sslscan_finds_nothing_but_a_self_signed_certificate(self):
        server = self.serve()
        report = self.make_directory() / "scan.xml"
        done = run("sslscan", "--starttls-ftp", "--show-certificate", "--show-sigs", f"--timeout={max(3, round(scaled(3)))}", f"--xml={report}",
                   f"127.0.0.1:{server.port}", seconds=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = xml.etree.ElementTree.parse(report).getroot().find("ssltest")
        versions = {(each.get("type"), each.get("version")) for each in found.iter("protocol") if each.get("enabled") == "1"}
        self.assertEqual(versions, {("tls", "1.2"), ("tls", "1.3")})
        self.assertEqual([each.get("vulnerable") for each in found.iter("heartbleed")], ["0", "0"])
        self.assertEqual({each.get("supported") for each in found.iter("renegotiation")}, {"0"})
        self.assertNotIn("1", [each.get("supported") for each in found.iter("compression")])
        self.assertNotIn("0", [each.get("supported") for each in found.iter("fallback")])
        ciphers = {(each.get("sslversion"), each.get("cipher")) for each in found.iter("cipher")}
        self.assertEqual(ciphers, {
            ("TLSv1.3", "TLS_AES_256_GCM_SHA384"), ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"), ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
            ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"), ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305")})
        self.assertLessEqual({each.get("strength") for each in found.iter("cipher")}, {"strong", "acceptable"})
        groups = {each.get("name").split(" ")[0] for each in found.iter("group")}
        self.assertEqual(groups, {"x25519", "secp256r1", "secp384r1"})
        signatures = {each.get("name") for each in found.iter("connection-signature-algorithm")}
        self.assertLessEqual(signatures, {"ecdsa_secp256r1_sha256"})
        certificate = found.find("certificates/certificate[@type='short']")
        self.assertEqual(certificate.findtext("signature-algorithm"), "ecdsa-with-SHA256")
        self.assertEqual(certificate.find("pk").get("error"), "false")
        self.assertEqual(certificate.findtext("expired"), "false")
        self.assertEqual(certificate.findtext("self-signed"), "true", "that is what it is")


if __name__ == "__main__":
    unittest.main()
