"""Bad datagrams, forged sources and floods: the time service answers with silence, or no more bytes than it may."""
import contextlib
import socket
import struct
import time
import unittest

from harness import HAS_IPV6, IS_ROOT, SharedServerTest, resident_bytes, until
from time_client import EVERY_CONVERSION, NTP_REQUEST, TimeClient, TimeTest

LOCAL = {"listen-ntp": "127.0.0.1:0", "listen-time-text": "127.0.0.1:0", "time-source": "local"}
GOOD_FORMAT = b"%j%j%j"
HEADERS = 28  # of IPv4 and UDP


def udp_packet(source, target, payload):
    """A datagram of IPv4 with a forged source, for a raw socket. A checksum of 0 means that there is none."""
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                       socket.inet_aton(source[0]), socket.inet_aton(target[0])) + udp


class Forger:
    """A raw socket for datagrams with forged sources."""

    def __init__(self, add_cleanup):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        add_cleanup(self.socket.close)

    def send(self, source, target, payload):
        self.socket.sendto(udp_packet(source, target, payload), (target[0], 0))


class Eavesdropper:
    """Sees all datagrams of UDP that arrive on this machine."""

    def __init__(self, add_cleanup):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.settimeout(10)
        add_cleanup(self.socket.close)

    def next(self):
        """Source port, target port, length of the IP packet."""
        packet = self.socket.recv(65536)
        header = (packet[0] & 15) * 4
        source, target = struct.unpack("!HH", packet[header:header + 4])
        return source, target, struct.unpack("!H", packet[2:4])[0]

    def lengths(self, ports, last_target):
        """Of the packets to or from one of `ports`, in their order, until one to `last_target`."""
        found = []
        while True:
            source, target, length = self.next()
            if source in ports or target in ports:
                found.append((source, target, length))
            if target == last_target:
                return found


class AttackTest(SharedServerTest, TimeTest):
    settings = LOCAL

    def setUp(self):
        super().setUp()
        self.ntp = ("127.0.0.1", self.ntp_port(self.server))
        self.text = ("127.0.0.1", self.text_port(self.server))

    def client_of(self, server, **options):
        return self.client(server[1], server[0], **options)

    def answers_of_ntp(self, *datagrams, **options):
        with TimeClient(*self.ntp, **options) as client:
            return client.answers_before(NTP_REQUEST, datagrams)

    def answers_of_text(self, *datagrams, **options):
        with TimeClient(*self.text, **options) as client:
            return client.answers_before(GOOD_FORMAT, datagrams)


class BadInput(AttackTest):
    def test_ntp_answers_no_datagram_of_another_length(self):
        request = NTP_REQUEST[:40] + b"another!"
        for length in (0, 1, 3, 4, 12, 47, 49, 52, 60, 68, 72, 128, 129, 500, 1472, 9000, 65000):
            self.assertEqual(self.answers_of_ntp((request + bytes(65000))[:length]), [], length)

    def test_ntp_answers_no_extension_fields_and_no_authentication(self):
        request = NTP_REQUEST[:40] + b"another!"
        extension = struct.pack("!HH", 0x0104, 32) + bytes(28)  # a unique identifier (RFC 8915 §5.3)
        mac = struct.pack("!I", 1) + bytes(16)
        self.assertEqual(self.answers_of_ntp(request + extension, request + mac, request + extension + mac), [])

    def test_ntp_answers_no_other_mode_and_no_other_version(self):
        others = [bytes([first]) + NTP_REQUEST[1:40] + b"another!" for first in range(256)
                  if first & 7 != 3 or not 2 <= first >> 3 & 7 <= 4]
        self.assertEqual(len(others), 256 - 12)
        self.assertEqual(self.answers_of_ntp(*others), [])

    def test_ntp_has_no_control_messages_and_no_list_of_clients(self):
        control = bytes([0o26, 2]) + bytes(10)  # mode 6, read variables
        monlist = bytes([0o27, 0, 3, 42]) + bytes(4)  # mode 7
        self.assertEqual(self.answers_of_ntp(control, monlist, control + bytes(36), monlist + bytes(40)), [])

    def test_text_answers_nothing_that_is_no_format(self):
        datagrams = [b"", b"\n", b"\r\n", b"hello", b"2026-11-30", b"?", b"%Y\0", b"\0" * 128, b"%Y\x1b[2J", b"%Y\n%m", b"%Y\x7f",
                     b"%Y\xff", b"\xff" * 128, b"%Y\xc0\xa5", b"%\xed\xa0\x80", "%Y\x85".encode(), "%Y\x85".encode("latin-1"),
                     b"%c" * 65, b"%Y" + b"x" * 127, b"%Y" * 32000, NTP_REQUEST]
        self.assertEqual(self.answers_of_text(*datagrams), [])

    def test_text_refuses_other_conversions_and_text_that_is_too_long_with_a_question_mark(self):
        for wanted in (b"%", b"%%", b"%n", b"%t", b"%5Y", b"%-d", b"%999999999c", b"%Ec", b"%Od", b"%+", b"%Q", b"100%", b"%c" * 64, b"%c%c"):
            self.assertEqual(self.answers_of_text(wanted), [b"?"], wanted)

    def test_datagrams_of_one_service_mean_nothing_to_the_other(self):
        with TimeClient(*self.text) as client:
            text = client.ask(b"%c")
        self.assertEqual(self.answers_of_ntp(text, text + text), [])
        with TimeClient(*self.ntp) as client:
            packet = client.ask(NTP_REQUEST)
        self.assertEqual(self.answers_of_text(packet), [])
        self.assertEqual(self.answers_of_ntp(packet), [])

    @unittest.skipUnless(IS_ROOT, "SKIPPED: needs root for ports below 1024")
    def test_ports_of_services_that_answer_everything_get_no_answer(self):
        for port in (7, 13, 19, 37, 53):
            with TimeClient(*self.ntp, source_port=port) as low, TimeClient(*self.text, source_port=port) as also_low:
                self.assert_silent(low, NTP_REQUEST, self.ntp)
                self.assert_silent(also_low, b"%Y", self.text)
        with TimeClient(*self.ntp, source_port=123) as client:
            self.assertEqual(len(client.ask(NTP_REQUEST)), 48)
        with TimeClient(*self.text, source_port=123) as client:
            self.assert_silent(client, b"%Y", self.text)

    def assert_silent(self, client, request, server):
        client.send(request)
        with TimeClient(*server) as other:  # answered behind it
            other.ask(NTP_REQUEST if server == self.ntp else b"%Y")
        client.socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            client.socket.recv(1000)


class Bounds(AttackTest):
    def received(self, client):
        """The number of answers that wait."""
        count = 0
        client.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while client.socket.recv(1000):
                count += 1
        client.socket.setblocking(True)
        return count

    def ask_often(self, server, request, times):
        """The answers to so many requests of one address, sent as fast as the server takes them. Also how many its bound
        allows for that time."""
        count, began = 0, time.monotonic()
        with TimeClient(*server) as client:
            for _ in range(times // 50):
                for _ in range(50):
                    client.send(request)
                with TimeClient(*server) as other:
                    other.ask(request)
                count += self.received(client)
        return count, 64 + 16 * (time.monotonic() - began) + 1

    def test_beyond_its_bound_an_address_gets_a_quarter_of_ntp(self):
        before = self.server.log_size()
        count, allowed = self.ask_often(self.ntp, NTP_REQUEST, 2000)
        self.server.log.wait_for(r"event=limit-hit limit=time-rate peer=127\.", before)
        # Of the others a quarter by lot, which is 484 and hardly ever 100 more or less.
        self.assertGreater(count, 64 + 384)
        self.assertLess(count, allowed + 484 + 100)

    def test_beyond_its_bound_an_address_gets_no_text(self):
        count, allowed = self.ask_often(self.text, b"%Y", 1000)
        self.assertGreaterEqual(count, 64)
        self.assertLessEqual(count, allowed)

    def test_other_addresses_are_answered_meanwhile(self):
        with TimeClient(*self.text) as greedy:
            for _ in range(200):
                greedy.send(b"%Y")
            with TimeClient(*self.text) as other:
                self.assertEqual(len(other.ask(b"%H")), 2)

    @unittest.skipUnless(HAS_IPV6, "needs IPv6")
    def test_addresses_of_one_ipv6_network_share_a_bound(self):
        server = self.serve(**{**LOCAL, "listen-time-text": "[::1]:0"})
        with TimeClient("::1", self.text_port(server)) as client:
            for _ in range(100):
                client.send(b"%Y")
            server.log.wait_for("event=limit-hit limit=time-rate peer=:: ")


class OnTheWire(AttackTest):
    """Bytes of whole IP packets. Without root they are computed from the payload."""

    def exchange(self, server, request):
        """Length of the request and of all that comes back."""
        if not IS_ROOT:
            answers = (self.answers_of_ntp if server == self.ntp else self.answers_of_text)(request)
            return HEADERS + len(request), sum(HEADERS + len(answer) for answer in answers)
        eavesdropper = Eavesdropper(self.addCleanup)
        with TimeClient(*server) as client, TimeClient(*server) as other:
            client.send(request)
            other.ask(NTP_REQUEST if server == self.ntp else b"%Y")
            port = client.address[1]
            seen = eavesdropper.lengths({port}, other.address[1])
        eavesdropper.socket.close()
        return (sum(length for source, _, length in seen if source == port),
                sum(length for _, target, length in seen if target == port))

    def test_ntp_sends_no_more_than_it_gets(self):
        request, answer = self.exchange(self.ntp, NTP_REQUEST)
        self.assertEqual((request, answer), (HEADERS + 48, HEADERS + 48))

    def test_text_sends_at_most_twice_as_much_as_it_gets(self):
        formats = [f"%{one}" for one in EVERY_CONVERSION] + ["%c%c", "%c %r", "%c" * 64, "%A%B", "%", "x" * 126 + "%c", "%s" * 64,
                                                             "%F %T", "%A%A", "%F%T%Z", "年%年"]
        for wanted in formats:
            request, answer = self.exchange(self.text, wanted.encode())
            self.assertGreater(answer, 0, wanted)
            self.assertLessEqual(answer, 2.0 * request, wanted)


@unittest.skipUnless(IS_ROOT, "SKIPPED: needs root for forged sources")
class ForgedSources(AttackTest):
    def setUp(self):
        super().setUp()
        self.forger = Forger(self.addCleanup)

    def seen_after(self, source, target, payload, servers):
        """Ports of the datagrams between the servers that one forged request causes. A server has gone quiet once it has
        answered a later request of another client."""
        eavesdropper = Eavesdropper(self.addCleanup)
        self.forger.send(source, target, payload)
        found = []
        for _ in range(3):  # a loop would go on between each of them
            for host, port in servers:
                with TimeClient(host, port) as client:
                    client.ask(NTP_REQUEST if port in (self.ntp[1],) else b"%H")
                    found += eavesdropper.lengths({port for _, port in servers}, client.address[1])
        ports = {port for _, port in servers}
        return [(source, target) for source, target, _ in found if source in ports and target in ports]

    def test_two_text_services_fall_silent(self):
        other = self.serve(**LOCAL)
        one, two = self.text, ("127.0.0.1", self.text_port(other))
        for payload in (b"%c", b"%%", b"%Y" * 64, "%Y年".encode()):
            self.assertEqual(self.seen_after(one, two, payload, (one, two)), [(one[1], two[1]), (two[1], one[1])])

    def test_a_service_does_not_talk_with_itself(self):
        self.assertEqual(self.seen_after(self.text, self.text, b"%c", (self.text,)), [(self.text[1], self.text[1])] * 2)
        self.assertEqual(self.seen_after(self.ntp, self.ntp, NTP_REQUEST, (self.ntp,)), [(self.ntp[1], self.ntp[1])] * 2)

    def test_text_and_ntp_fall_silent_with_each_other(self):
        both = (self.ntp, self.text)
        for payload in (b"%c" + b"x" * 24, b"S%c" + b"x" * 23):  # one answer of 48 bytes begins as a request of NTP does
            self.assertLessEqual(len(self.seen_after(self.ntp, self.text, payload, both)), 3)
        self.assertLessEqual(len(self.seen_after(self.text, self.ntp, NTP_REQUEST, both)), 2)

    def test_any_number_of_forged_sources_takes_no_memory_and_keeps_nobody_out(self):
        process = self.server.child("time")
        before = resident_bytes(process)
        for number in range(50_000):
            source = (f"127.{200 + number // 65536}.{number // 256 % 256}.{number % 256}", 4000)
            for server, payload in ((self.ntp, NTP_REQUEST), (self.text, b"%c")):
                self.forger.send(source, server, payload)
        for server, payload in ((self.ntp, NTP_REQUEST), (self.text, b"%H")):
            with TimeClient(*server) as client:
                client.socket.settimeout(1)
                until(lambda: self.is_answered(client, payload), "a client is answered")
        self.assertEqual(self.server.child("time"), process)
        self.assertLess(resident_bytes(process) - before, 2 << 20)

    @staticmethod
    def is_answered(client, payload):
        """Perhaps the flood has still filled the socket of the server."""
        with contextlib.suppress(TimeoutError):
            return client.ask(payload)
        return None


if __name__ == "__main__":
    unittest.main()
