"""A listening socket that net has spoiled is opened anew: what a taken-over net does to it ends with that net."""
import contextlib
import ctypes
import os
import pathlib
import socket
import struct
import unittest

from harness import IS_ROOT, EndToEndTest, timing, until
from control_client import can_log_in

PIDFD_GETFD = 438  # the same number on every architecture
SO_ATTACH_FILTER, SO_LOCK_FILTER = 26, 44

libc = ctypes.CDLL(None, use_errno=True)


def listening_socket(process, port):
    """A descriptor of the socket with which `process` listens on `port` of 127.0.0.1."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    inode = next(row[9] for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == "0A")
    number = next(int(fd.name) for fd in pathlib.Path(f"/proc/{process}/fd").iterdir()
                  if os.readlink(fd) == f"socket:[{inode}]")
    pidfd = os.pidfd_open(process)
    try:
        shared = libc.syscall(PIDFD_GETFD, pidfd, number, 0)
    finally:
        os.close(pidfd)
    if shared < 0:
        raise unittest.SkipTest(f"SKIPPED: pidfd_getfd: {os.strerror(ctypes.get_errno())}")
    return socket.socket(fileno=shared)


def shut_down(listening):
    listening.shutdown(socket.SHUT_RDWR)


def filter_for_good(listening):
    refuse_all = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # BPF_RET | BPF_K
    listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, ctypes.addressof(refuse_all)))
    listening.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)


def make_it_wait(listening):
    listening.setblocking(True)


@timing
@unittest.skipUnless(IS_ROOT, "SKIPPED: taking a descriptor of another process needs root")
class SpoiledListeningSocket(EndToEndTest):
    def check(self, spoil):
        server = self.serve()
        net = server.child("net")
        with contextlib.closing(listening_socket(net, server.port)) as listening:
            before = server.log_size()
            spoil(listening)
            server.log.wait_for(f"event=listening-socket-changed address=127.0.0.1:{server.port} ", before)
            until(lambda: server.child("net") not in (None, net), "another net is started")
            until(lambda: can_log_in(server.port), "logins work again at the same port", 3)
        self.assertEqual(server.log.text.count("listening-socket-changed"), 1)

    def test_one_that_was_shut_down(self):
        self.check(shut_down)

    def test_one_with_a_filter_that_cannot_be_taken_off(self):
        self.check(filter_for_good)

    def test_one_on_which_accepting_would_wait(self):
        self.check(make_it_wait)


if __name__ == "__main__":
    unittest.main()
