"""TLS below Python's ssl module, which has neither a hostile client's ways nor the exporter of RFC 9266.

OpenSSL itself, by ctypes: a context for Control.start_tls(), whose sockets can do more.
"""
import base64
import ctypes
import os
import select
import socket
import struct

from harness import SCALE, scaled

_ssl = ctypes.CDLL("libssl.so.3")
_crypto = ctypes.CDLL("libcrypto.so.3")

TLS1_2, TLS1_3 = 0x0303, 0x0304
_ED25519 = 1087  # NID_ED25519 of <openssl/obj_mac.h>
_SET_MIN_VERSION, _SET_MAX_VERSION = 123, 124  # SSL_CTRL_SET_MIN_PROTO_VERSION and the one after it
_ZERO_RETURN = 6  # SSL_ERROR_ZERO_RETURN
_BIO_NOCLOSE = 0
_BIO_CTRL_INFO = 3  # BIO_get_mem_data

BINDING_LABEL = b"EXPORTER-Channel-Binding"
SIGNED_PREFIX = b"ftpc-sess-v1"


def _declare(library, result, names, *arguments):
    for name in names.split():
        function = getattr(library, name)
        function.restype, function.argtypes = result, list(arguments)


_P, _I, _L, _N = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_size_t
_declare(_ssl, _P, "TLS_client_method")
_declare(_ssl, _P, "SSL_CTX_new SSL_new", _P)
_declare(_ssl, None, "SSL_CTX_free SSL_free", _P)
_declare(_ssl, _L, "SSL_CTX_ctrl", _P, _I, _L, _P)
_declare(_ssl, _I, "SSL_set_fd SSL_get_error SSL_key_update", _P, _I)
_declare(_ssl, _I, "SSL_connect SSL_do_handshake SSL_renegotiate SSL_shutdown SSL_version SSL_session_reused", _P)
_declare(_ssl, _I, "SSL_read SSL_write", _P, _P, _I)
_declare(_ssl, _I, "SSL_export_keying_material", _P, _P, _N, ctypes.c_char_p, _N, _P, _N, _I)
_declare(_ssl, None, "SSL_set0_wbio", _P, _P)
_declare(_crypto, _P, "BIO_s_mem EVP_MD_CTX_new")
_declare(_crypto, _P, "BIO_new", _P)
_declare(_crypto, _P, "BIO_new_socket", _I, _I)
_declare(_crypto, _L, "BIO_ctrl", _P, _I, _L, _P)
_declare(_crypto, _P, "EVP_PKEY_new_raw_private_key", _I, _P, ctypes.c_char_p, _N)
_declare(_crypto, _I, "EVP_PKEY_get_raw_public_key", _P, _P, ctypes.POINTER(_N))
_declare(_crypto, _I, "EVP_DigestSignInit", _P, _P, _P, _P, _P)
_declare(_crypto, _I, "EVP_DigestSign", _P, _P, ctypes.POINTER(_N), ctypes.c_char_p, _N)
_declare(_crypto, None, "EVP_PKEY_free EVP_MD_CTX_free ERR_clear_error", _P)
_crypto.ERR_clear_error.argtypes = []


class RawTlsContext:
    """For Control.start_tls() and connect(); trusts any server. `version`: the only one that it speaks."""

    def __init__(self, version=TLS1_3):
        self.version = version

    def wrap_socket(self, plain, server_hostname=None):
        del server_hostname
        return RawTlsSocket(plain, self.version)


class RawTlsSocket:
    """A socket for Control, with the ways of an attacker."""

    def __init__(self, plain, version):
        self._socket = plain
        self.settimeout(plain.gettimeout() or scaled(10))
        self._context = _ssl.SSL_CTX_new(_ssl.TLS_client_method())
        for control in (_SET_MIN_VERSION, _SET_MAX_VERSION):
            _ssl.SSL_CTX_ctrl(self._context, control, version, None)
        self._tls = _ssl.SSL_new(self._context)
        _ssl.SSL_set_fd(self._tls, plain.fileno())
        self._expect(_ssl.SSL_connect(self._tls))

    def _expect(self, result):
        if result <= 0:
            _crypto.ERR_clear_error()
            raise ConnectionResetError("TLS failed")
        return result

    def settimeout(self, seconds):
        # OpenSSL works on the descriptor, which must block.
        self._socket.settimeout(None)
        time = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, time)

    def recv(self, size):
        buffer = ctypes.create_string_buffer(size)
        got = _ssl.SSL_read(self._tls, buffer, size)
        if got <= 0 and _ssl.SSL_get_error(self._tls, got) == _ZERO_RETURN:
            return b""
        return buffer.raw[:self._expect(got)]

    def sendall(self, data):
        while data:
            data = data[self._expect(_ssl.SSL_write(self._tls, data, len(data))):]

    def close(self):
        if self._tls is not None:
            _ssl.SSL_free(self._tls)
            _ssl.SSL_CTX_free(self._context)
            self._tls = None
        self._socket.close()

    def close_notify(self):
        _ssl.SSL_shutdown(self._tls)

    def below(self):
        """The socket under TLS."""
        return self._socket

    def channel_binding(self):
        binding = ctypes.create_string_buffer(32)
        self._expect(_ssl.SSL_export_keying_material(self._tls, binding, 32, BINDING_LABEL, len(BINDING_LABEL), None, 0, 1))
        return binding.raw

    def renegotiate(self):
        """Whether the server agrees to another handshake on this connection (TLS 1.2)."""
        _ssl.SSL_renegotiate(self._tls)
        agreed = _ssl.SSL_do_handshake(self._tls) == 1
        # The client's hello is out; whether the server answers it shows when reading.
        buffer = ctypes.create_string_buffer(1)
        agreed = agreed and _ssl.SSL_read(self._tls, buffer, 1) > 0
        _crypto.ERR_clear_error()
        return agreed

    def records(self, make):
        """The bytes that make() would send, kept back."""
        kept = _crypto.BIO_new(_crypto.BIO_s_mem())
        _ssl.SSL_set0_wbio(self._tls, kept)
        make()
        start = ctypes.c_void_p()
        size = _crypto.BIO_ctrl(kept, _BIO_CTRL_INFO, 0, ctypes.byref(start))
        made = ctypes.string_at(start, size)
        _ssl.SSL_set0_wbio(self._tls, _crypto.BIO_new_socket(self._socket.fileno(), _BIO_NOCLOSE))
        return made

    def update_key(self, times, answer_wanted):
        """KeyUpdate messages (RFC 8446 §4.6.3)."""
        for _ in range(times):
            _ssl.SSL_key_update(self._tls, 1 if answer_wanted else 0)
            self._expect(_ssl.SSL_do_handshake(self._tls))


def fill_with_key_updates(control):
    """Has the server answer key updates that nobody reads, until it takes no more. NOOPs go with them.

    Returns how many NOOPs, and the bytes that have not gone.
    """
    raw = control.into_socket()
    below = raw.below()
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        below.setsockopt(socket.SOL_SOCKET, option, 16384)
    for batches in range(1, 10_000):
        records = raw.records(lambda: (raw.update_key(100, True), raw.sendall(b"NOOP\r\n")))
        while records and select.select([], [below], [], 0.5 * SCALE)[1]:
            records = records[below.send(records, socket.MSG_DONTWAIT):]
        if records:
            return batches, records
    raise AssertionError("the server takes commands without end, though nobody takes its replies")


def b64(data):
    return base64.b64encode(data).decode().rstrip("=")


class SigningKey:
    """An Ed25519 key pair, as a session key."""

    def __init__(self):
        self._seed = os.urandom(32)

    def _with_key(self, act):
        key = _crypto.EVP_PKEY_new_raw_private_key(_ED25519, None, self._seed, len(self._seed))
        try:
            return act(key)
        finally:
            _crypto.EVP_PKEY_free(key)

    def public(self):
        def act(key):
            out, size = ctypes.create_string_buffer(32), _N(32)
            _crypto.EVP_PKEY_get_raw_public_key(key, out, ctypes.byref(size))
            return out.raw
        return self._with_key(act)

    def sign(self, text):
        def act(key):
            out, size, context = ctypes.create_string_buffer(64), _N(64), _crypto.EVP_MD_CTX_new()
            _crypto.EVP_DigestSignInit(context, None, None, None, key)
            _crypto.EVP_DigestSign(context, out, ctypes.byref(size), text, len(text))
            _crypto.EVP_MD_CTX_free(context)
            return out.raw
        return self._with_key(act)


def session_signature(key, binding, session_id, user):
    """The text to sign by docs/protocol.md §9; `session_id` in hexadecimal."""
    return key.sign(SIGNED_PREFIX + binding + bytes.fromhex(session_id) + user.encode())
