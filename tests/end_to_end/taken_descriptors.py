"""Descriptors of another process, for a test that acts as a taken-over process could."""
import ctypes
import os
import pathlib
import unittest

PIDFD_GETFD = 438  # the same number on every architecture

libc = ctypes.CDLL(None, use_errno=True)


def take(process, link):
    """A descriptor of the open file description to which `link` leads in /proc/PID/fd."""
    number = next(int(fd.name) for fd in pathlib.Path(f"/proc/{process}/fd").iterdir() if os.readlink(fd) == link)
    pidfd = os.pidfd_open(process)
    try:
        shared = libc.syscall(PIDFD_GETFD, pidfd, number, 0)
    finally:
        os.close(pidfd)
    if shared < 0:
        raise unittest.SkipTest(f"SKIPPED: pidfd_getfd: {os.strerror(ctypes.get_errno())}")
    return shared


def take_udp_socket(process, port):
    """The number of a descriptor of the socket with which `process` takes datagrams on `port` of 127.0.0.1."""
    rows = [line.split() for line in pathlib.Path("/proc/net/udp").read_text(encoding="utf-8").splitlines()[1:]]
    inode = next(row[9] for row in rows if row[1] == f"0100007F:{port:04X}")
    return take(process, f"socket:[{inode}]")


def take_listening_socket(process, port):
    """The number of a descriptor of the socket with which `process` listens on `port` of 127.0.0.1."""
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    inode = next(row[9] for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == "0A")
    return take(process, f"socket:[{inode}]")
