"""Relays between a client and the server."""
import contextlib
import errno
import selectors
import socket
import ssl
import threading

from control_client import Control
from harness import scaled


class Relay:
    """Listens on `port` and gives every connection to serve(client), each in a thread."""

    def __init__(self, server_port):
        self.server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.failures = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        client.settimeout(scaled(20))
        try:
            with client:
                self.serve(client)
        except Exception as failure:  # a test asks for it; a thread has nobody to tell
            self.failures.append(failure)

    def serve(self, client):
        raise NotImplementedError


class TlsRelay(Relay):
    """For clients without TLS: takes a plain control connection and goes on to the server with AUTH TLS."""

    def serve(self, client):
        with Control(self.server_port) as control:
            control.start_tls()
            server = control.into_socket()
            client.sendall(f"{control.greeting.code} {control.greeting.text}\r\n".encode())
            with selectors.DefaultSelector() as ready:
                ready.register(client, selectors.EVENT_READ, server)
                ready.register(server, selectors.EVENT_READ, client)
                while True:
                    for key, _ in ready.select(scaled(20)):
                        data = _from_server(server) if key.fileobj is server else client.recv(65536)
                        if data is None:
                            continue
                        if not data:
                            return
                        key.data.sendall(data)


def _from_server(server):
    """All that TLS has for us now, empty at the end; None if only messages of TLS itself have come, like tickets."""
    seconds = server.gettimeout()
    server.settimeout(0)
    try:
        data = server.recv(65536)
        while data and server.pending():  # in the TLS layer already: select() is blind to it
            data += server.recv(65536)
        return data
    except ssl.SSLWantReadError:
        return None
    finally:
        server.settimeout(seconds)


def _until_it_leaves(client):
    """Ends a connection after its last byte has been read, and not by a reset that could take that byte away."""
    try:
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    except OSError as failure:
        # A client that leaves without a look at close_notify resets: shutdown() or recv() says so.
        if failure.errno not in (errno.ENOTCONN, errno.ECONNRESET):
            raise


class FlightRelay(Relay):
    """Keeps the server's answers back, to see a client's bytes without them.

    `flights` are what the client sent at a time: it got no answer while it sent one of them. The greeting is kept back
    until AUTH TLS has come; what follows the TLS handshake until the server has ended the connection.
    """

    def __init__(self, server_port):
        super().__init__(server_port)
        self.flights = []

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with socket.create_connection(("127.0.0.1", self.server_port), scaled(20)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pass_on_flight(client, server)  # AUTH TLS
            self._answer_until_client_speaks(client, server)  # the greeting and 234
            self._pass_on_flight(client, server)  # ClientHello
            self._answer_until_client_speaks(client, server)  # the server's part of the handshake
            kept_back = self._rest(client, server)
            client.sendall(kept_back)
            _until_it_leaves(client)

    def _pass_on_flight(self, client, server):
        data = client.recv(65536)
        self.flights.append(data)
        server.sendall(data)

    @staticmethod
    def _answer_until_client_speaks(client, server):
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while True:
                sockets = [key.fileobj for key, _ in ready.select(scaled(20))]
                if client in sockets or not sockets:
                    return
                client.sendall(server.recv(65536))

    def _rest(self, client, server):
        """Passes on the client's last bytes; returns the server's answers, once it has ended the connection."""
        flight = kept_back = b""
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while True:
                events = ready.select(scaled(20))
                if not events:
                    raise AssertionError("the client waits for an answer before it has said all")
                for key, _ in events:
                    data = key.fileobj.recv(65536)
                    if key.fileobj is client:
                        if not data:
                            raise AssertionError("the client gave up waiting")
                        flight += data
                        server.sendall(data)
                    elif data:
                        kept_back += data
                    else:
                        self.flights.append(flight)
                        return kept_back
