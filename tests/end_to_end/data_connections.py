"""Data connections under the test's hand, beside a control connection that lists."""
import contextlib
import re
import socket

from harness import PASSWORD, scaled
from control_client import Control, prehash, realm_of, trusting_context

OPENING, COMPLETE, NO_CONNECTION, CUT = 150, 226, 425, 426
WITHOUT_RESUMPTION = 522


def free_port():
    """A port of loopback that nothing has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect_plainly(port, source="127.0.0.1", receive_buffer=None, seconds=10.0):
    """A TCP connection. With a receive buffer of few bytes it takes little that nobody reads."""
    plain = socket.socket()
    try:
        plain.settimeout(scaled(seconds))
        if receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.bind((source, 0))
        plain.connect(("127.0.0.1", port))
    except BaseException:
        plain.close()
        raise
    return plain


def is_reset(connection, seconds=5.0):
    """Whether the server has reset the connection; an end in order, bytes and silence are none."""
    connection.settimeout(scaled(seconds))
    try:
        connection.recv(1)
    except ConnectionResetError:
        return True
    except OSError:
        pass
    return False


def is_refused(port, source="127.0.0.1"):
    """Whether a connection to this port is reset at once."""
    try:
        with connect_plainly(port, source) as plain:
            return is_reset(plain)
    except ConnectionResetError:
        return True


class Lister:
    """A session with PROT P. Its control connection may use the login of `ftpc`, which is SITE AUTH, instead of PASS."""

    def __init__(self, port, user="alice", source="127.0.0.1", site_auth=False, context=None):
        self.source = source
        self.context = context or trusting_context()
        self.control = Control(port, source=source)
        try:
            self.control.start_tls(self.context)
            self._log_in(user, site_auth)
            if [reply.code for reply in self.control.pipeline(["PBSZ 0", "PROT P"])] != [200, 200]:
                raise AssertionError("PROT P is refused")
        except BaseException:
            self.control.close()
            raise

    def _log_in(self, user, site_auth):
        if site_auth:
            proof = prehash(realm_of(self.control), user)
            answer = self.control.pipeline([f"USER {user}", f"SITE AUTH PREHASH1 {proof}"])[1]
        else:
            answer = self.control.log_in(user, PASSWORD)
        if answer.code != 230:
            raise AssertionError(f"login of {user}: {answer}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.control.close()

    @property
    def tls_session(self):
        """The newest TLS session of the control connection, for a data connection to resume."""
        return self.control.into_socket().session

    def passive(self):
        """The port of EPSV, which is reserved from now on."""
        answer = self.control.ask("EPSV")
        match = re.search(r"\(\|\|\|(\d+)\|\)", answer.text)
        if answer.code != 229 or not match:
            raise AssertionError(f"EPSV: {answer}")
        return int(match[1])

    def connect(self, port, **options):
        return connect_plainly(port, **{"source": self.source, **options})

    def encrypt(self, plain, session="own", context=None):
        """TLS on a data connection. `session` is the TLS session to resume, or None; an end without close_notify is an error."""
        if session == "own":
            session = self.tls_session
        return (context or self.context).wrap_socket(plain, server_hostname="127.0.0.1", session=session, suppress_ragged_eofs=False)

    def last_reply(self):
        """The next reply that is not a preliminary one."""
        while True:
            answer = self.control.reply()
            if not 100 <= answer.code < 200:
                return answer

    def ask(self, command):
        self.control.send(command)
        return self.last_reply()

    def listing(self, command="NLST", session="own"):
        """Names of a whole listing; fails if anything goes wrong with it."""
        with self.connect(self.passive()) as plain:
            self.control.send(command)
            with self.encrypt(plain, session) as data:
                text = read_to_end(data)
        answer = self.last_reply()
        if answer.code != COMPLETE:
            raise AssertionError(f"{command}: {answer}")
        return text.splitlines()


def read_to_end(data):
    """The text up to close_notify; an OSError if the connection ends without."""
    received = b""
    while got := data.recv(65536):
        received += got
    return received.decode()


def read_what_comes(data):
    """The bytes until any end of the connection."""
    received = b""
    with contextlib.suppress(OSError):
        while got := data.recv(65536):
            received += got
    return received
