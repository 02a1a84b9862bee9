"""A control connection under the test's hand: commands as bytes, replies as they come, TLS when the test says so."""
import base64
import collections
import contextlib
import hashlib
import select
import socket
import ssl
import struct

from harness import PASSWORD, scaled, until

Reply = collections.namedtuple("Reply", "code text")
ENDED = Reply(0, "")  # the connection has ended, with a reset or in order
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def trusting_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Control:
    """Begins in clear, like every control connection. `greeting` is the server's first reply.

    `source` is the client's own address, any of 127.0.0.0/8.
    """

    def __init__(self, port, seconds=10.0, source="127.0.0.1"):
        self._socket = socket.create_connection(("127.0.0.1", port), scaled(seconds), source_address=(source, 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._unsent = b""
        self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.close()

    def reset_on_close(self):
        """Closing then resets the connection instead of ending it in order."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @property
    def local_port(self):
        return self._socket.getsockname()[1]

    @property
    def tls_version(self):
        return self._socket.version()

    def into_socket(self):
        """The socket below, for a test that goes on by hand; only replies have been read from it."""
        if self._received:
            raise AssertionError(f"bytes behind the last reply: {self._received!r}")
        return self._socket

    def certificate(self):
        return self._socket.getpeercert(binary_form=True)

    def wait_at_most(self, seconds):
        self._socket.settimeout(scaled(seconds))

    def send_bytes(self, data):
        self._socket.sendall(data)

    def send(self, line):
        self.send_bytes((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def send_while_reading(self, data):
        """`data` goes out while replies are read, as far as the server takes it.

        All in one thread: if one reads and another writes, an SSL object takes the state of the one for that of the other.
        """
        self._unsent = data

    def _receive(self):
        if not self._unsent:
            return self._socket.recv(65536)
        seconds = self._socket.gettimeout()
        self._socket.settimeout(0)
        try:
            while True:
                try:
                    # One that was refused for now is repeated with the same bytes, as SSL_write(3) wants it.
                    self._unsent = self._unsent[self._socket.send(self._unsent[:16384]):]
                except NOT_NOW:
                    pass
                except OSError:  # the server takes no more; its earlier replies can be read
                    self._unsent = b""
                with contextlib.suppress(*NOT_NOW):
                    return self._socket.recv(65536)
                if select.select([self._socket], [self._socket] if self._unsent else [], [], seconds) == ([], [], []):
                    raise TimeoutError
        finally:
            self._socket.settimeout(seconds)

    def _line(self):
        while b"\r\n" not in self._received:
            try:
                got = self._receive()
            except TimeoutError as late:
                raise AssertionError(f"no reply in time; so far {self._received!r}") from late
            except OSError:  # ssl.SSLError is one, too
                got = b""
            if not got:
                return None
            self._received += got
        line, self._received = self._received.split(b"\r\n", 1)
        return line.decode()

    def reply(self):
        """The next reply, its text without the code; ENDED when there is none any more."""
        first = self._line()
        if first is None:
            return ENDED
        lines = [first[4:]]
        if first[3:4] == "-":
            while True:
                line = self._line()
                if line is None:
                    return ENDED
                if line[:4] == first[:3] + " ":
                    lines.append(line[4:])
                    break
                lines.append(line)
        return Reply(int(first[:3]), "\n".join(lines))

    def ask(self, line):
        self.send(line)
        return self.reply()

    def code(self, line):
        return self.ask(line).code

    def pipeline(self, lines):
        """All of the commands in one write, then all replies."""
        self.send_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))
        return [self.reply() for _ in lines]

    def shake_hands(self, context=None):
        """TLS on this connection, after 234."""
        if self._received:
            raise AssertionError(f"bytes in clear behind 234: {self._received!r}")
        self._socket = (context or trusting_context()).wrap_socket(self._socket, server_hostname="127.0.0.1")
        return self

    def stop_tls(self):
        """After REIN: TLS ends in both directions, the connection goes on in clear."""
        self._socket = self._socket.unwrap()

    def start_tls(self, context=None):
        answer = self.ask("AUTH TLS")
        if answer.code != 234:
            raise AssertionError(f"AUTH TLS: {answer}")
        return self.shake_hands(context)

    def log_in(self, user="alice", password=PASSWORD):
        """The reply that decides the login."""
        first = self.ask(f"USER {user}")
        if first.code != 331:
            return first
        return self.ask(b"PASS " + (password.encode() if isinstance(password, str) else password))

    def ended(self):
        """Whether the connection ends now, without another reply."""
        return self.reply() == ENDED


def connect(port, **options):
    """A connection inside TLS, not logged in."""
    return Control(port, **options).start_tls()


def logged_in(port, user="alice", password=PASSWORD, **options):
    control = connect(port, **options)
    answer = control.log_in(user, password)
    if answer.code != 230:
        control.close()
        raise AssertionError(f"login of {user}: {answer}")
    return control


def prehash(realm, user="alice", password=PASSWORD):
    """The client's half of the password hash (docs/protocol.md), as SITE AUTH PREHASH1 takes it."""
    parts = [b"ftpc-prehash-v1"]
    for text in (realm.encode(), user.encode()):
        parts += [struct.pack(">I", len(text)), text]
    salt = hashlib.sha256(b"".join(parts)).digest()
    key = hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32, maxmem=1 << 26)
    return base64.b64encode(key).decode().rstrip("=")


def realm_of(control):
    """The realm that FEAT announces; net has it from auth, perhaps a moment after the server listens."""
    return until(lambda: control.ask("FEAT").text.partition("SITE REALM ")[2], "the realm is announced").split()[0]


def many_logged_in(port, number, user="alice"):
    """So many sessions. Each costs the server no more than its own half of the hash."""
    sessions = []
    try:
        with connect(port) as control:
            proof = prehash(realm_of(control), user)
        while len(sessions) < number:
            sessions.append(connect(port))
            codes = [reply.code for reply in sessions[-1].pipeline([f"USER {user}", f"SITE AUTH PREHASH1 {proof}"])]
            if codes != [331, 230]:
                raise AssertionError(f"login of {user}: {codes}")
    except BaseException:
        for control in sessions:
            control.close()
        raise
    return sessions


def can_log_in(port, user="alice", password=PASSWORD):
    """Whether the server, which may be restarting a process just now, takes this login."""
    with contextlib.suppress(OSError, AssertionError):
        with connect(port) as control:
            return control.log_in(user, password).code == 230
    return False
