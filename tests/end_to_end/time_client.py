"""The simplest clients of the time service: a format of strftime and a request of NTP, each in one datagram."""
import ctypes
import itertools
import socket
import struct

from harness import EndToEndTest, scaled

NTP_REQUEST = bytes([0o43]) + bytes(39) + b"transmit"  # version 4, mode 3
EVERY_CONVERSION = "aAbBcCdDeFgGhHIjmMprRsSTuUVwWxXyYzZ"
SECONDS_BEFORE_1970 = 2_208_988_800
# Each client of its own address has a bound of its own.
_numbers = itertools.count(1)


def own_address():
    """Another address of this machine at each call."""
    number = next(_numbers)
    return f"127.{100 + number // 65536}.{number // 256 % 256}.{number % 256}"


class TimeClient:
    """A socket of UDP that asks one server. `source`: None for an address that no other client has."""

    def __init__(self, host, port, source=None, source_port=0):
        self.is_ipv6 = ":" in host
        self.socket = socket.socket(socket.AF_INET6 if self.is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(scaled(10))
        self.socket.bind((source or ("::1" if self.is_ipv6 else own_address()), source_port))
        self.server = (host, port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def address(self):
        return self.socket.getsockname()[:2]

    def send(self, datagram):
        self.socket.sendto(datagram, self.server)

    def receive(self):
        """The next datagram, which must come from the server."""
        datagram, peer = self.socket.recvfrom(65536)
        if peer[:2] != self.server:
            raise AssertionError(f"an answer from {peer} instead of {self.server}")
        return datagram

    def ask(self, datagram):
        self.send(datagram)
        return self.receive()

    def ask_text(self, wanted):
        return self.ask(wanted.encode()).decode()

    def answers_before(self, good, datagrams):
        """All that comes until the answer to `good`, a request that is sent behind `datagrams`. Datagrams keep their order
        on one machine, so an answer that does not come before it never comes. `good` must be a request of NTP with a
        transmit time of its own, or the format '%j%j%j'."""
        for datagram in datagrams:
            self.send(datagram)
        self.send(good)
        found = []
        while True:
            answer = self.receive()
            if answer[24:32] == good[40:48] if len(good) == 48 else len(answer) == 9 and answer[:3] * 3 == answer:
                return found
            found.append(answer)


class NtpAnswer:
    """The fields of an answer, times in seconds since 1970."""

    def __init__(self, packet):
        if len(packet) != 48:
            raise AssertionError(f"{len(packet)} bytes instead of 48")
        first, self.stratum, self.poll, self.precision, delay, dispersion, self.reference_id, *times = \
            struct.unpack("!BBbbII4sQQQQ", packet)
        self.leap, self.version, self.mode = first >> 6, first >> 3 & 7, first & 7
        self.root_delay, self.root_dispersion = delay / 65536, dispersion / 65536
        self.origin = packet[24:32]
        self.reference, _, self.received, self.sent = (time / 2**32 - SECONDS_BEFORE_1970 for time in times)


def ask_ntp(client, request=NTP_REQUEST):
    return NtpAnswer(client.ask(request))


def is_synchronised():
    """As the kernel says (adjtimex(2), only read)."""
    unsynchronised, error = 0x40, 5
    words = (ctypes.c_long * 26)()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(words)
    return state != error and ctypes.cast(words, ctypes.POINTER(ctypes.c_int))[10] & unsynchronised == 0


class TimeTest(EndToEndTest):
    """Finds the services of a server, and closes the clients."""

    @staticmethod
    def port_of(server, what):
        return int(server.log.wait_for(rf"^ftpcd: {what} on \S+:(\d+)")[1])

    def ntp_port(self, server):
        return self.port_of(server, "NTP")

    def text_port(self, server):
        return self.port_of(server, "time as text")

    def need_port_of_ntp(self, address):
        """Skips the test if another program has it."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, 123))
            except OSError as failure:
                self.skipTest(f"SKIPPED: port 123 of {address}: {failure.strerror}")

    def client(self, port, host="127.0.0.1", **options):
        client = TimeClient(host, port, **options)
        self.addCleanup(client.socket.close)
        return client
