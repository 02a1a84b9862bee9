"""A file system of directories that stops to answer when a test says so: a FUSE server in a thread of the test.

It speaks the kernel's protocol (linux/fuse.h, 7.31) itself, so it needs no library: only root and /dev/fuse.
"""
import contextlib
import ctypes
import errno
import os
import stat
import struct
import threading
import time
import unittest

from harness import IS_ROOT, scaled

LOOKUP, FORGET, GETATTR, MKDIR, STATFS, INIT = 1, 2, 3, 9, 17, 26
OPENDIR, READDIR, RELEASEDIR, FSYNCDIR, INTERRUPT, DESTROY, BATCH_FORGET = 27, 28, 29, 30, 36, 38, 42
WITHOUT_ANSWER = (FORGET, INTERRUPT, BATCH_FORGET)
NOBODY_WAITS_FOR = (INIT, RELEASEDIR, DESTROY)
MNT_FORCE, MNT_DETACH = 1, 2

libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def needs_fuse(test):
    """Decorates tests that mount one of these."""
    why = None
    if not IS_ROOT:
        why = "SKIPPED: mounting a file system that hangs needs root"
    elif not os.path.exists("/dev/fuse"):
        why = "SKIPPED: there is no /dev/fuse here, so no file system that hangs"
    return unittest.skipIf(why, why)(test)


class HangingFileSystem:
    """Mounted on `directory`. Every directory in it belongs to `owner`, a pair of user and group."""

    def __init__(self, directory, owner):
        self.directory = str(directory)
        self._owner = owner
        self._names = {1: {}}  # node: names in it and their nodes
        self._hanging = False
        self._held = []
        self.delays = {}  # kinds of requests that take their time, in seconds
        self.errors = {}  # kinds of requests that fail, and the errno that they get
        self.fsyncdir_nodes = []  # the directories that were synced; 1 is the top, others in the order in which they were made
        self._news = threading.Condition()
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
        try:
            call(libc.mount, b"hanging", self.directory.encode(), b"fuse", 6, options.encode())  # nosuid, nodev
        except OSError as failure:
            os.close(self._device)
            raise unittest.SkipTest(f"SKIPPED: FUSE cannot be mounted here: {failure}") from failure
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def hang(self):
        """From now on nothing is answered. A process that has asked waits, and cannot even be killed."""
        with self._news:
            self._hanging = True

    def go_on(self):
        """Answers all waiting and later calls."""
        with self._news:
            self._hanging = False
            for request in self._held:
                self._answer(*request)
            self._held.clear()

    def wait_until_asked(self, how_often=1, seconds=10.0):
        """Until so many requests wait for their answer."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._held) >= how_often, scaled(seconds)):
                raise AssertionError(f"only {len(self._held)} requests reached the file system")

    def asked(self):
        with self._news:
            return len(self._held)

    def unmount(self):
        """Ends it; waiting processes get an error. It may be ended already."""
        if self._device is None:
            return
        with contextlib.suppress(OSError):
            call(libc.umount2, self.directory.encode(), MNT_FORCE | MNT_DETACH)
        self._server.join(scaled(10))
        os.close(self._device)
        self._device = None
        self._held.clear()

    def _serve(self):
        while True:
            try:
                packet = os.read(self._device, 1 << 18)
            except OSError as failure:
                if failure.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return  # ENODEV: unmounted
            _, kind, unique, node = struct.unpack_from("<IIQQ", packet)
            if kind in WITHOUT_ANSWER:
                continue
            with self._news:
                if self._hanging and kind not in NOBODY_WAITS_FOR:
                    self._held.append((kind, unique, node, packet[40:]))
                    self._news.notify_all()
                else:
                    self._answer(kind, unique, node, packet[40:])

    def _answer(self, kind, unique, node, body):
        time.sleep(self.delays.get(kind, 0))
        try:
            result, error = self._result(kind, node, body), 0
        except OSError as failure:
            result, error = b"", -failure.errno
        with contextlib.suppress(OSError):  # ENOENT: who asked is gone
            os.write(self._device, struct.pack("<IiQ", 16 + len(result), error, unique) + result)

    def _result(self, kind, node, body):
        if kind in self.errors:
            raise OSError(self.errors[kind], "")
        if kind == INIT:
            return struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 12, 9, 4096, 1, 0, 0, 0, *[0] * 7)
        if kind == LOOKUP:
            name = body.split(b"\0")[0]
            if name not in self._names.get(node, {}):
                raise OSError(errno.ENOENT, "")
            return self._entry(self._names[node][name])
        if kind == MKDIR:
            name = body[8:].split(b"\0")[0]
            if name in self._names[node]:
                raise OSError(errno.EEXIST, "")
            new = len(self._names) + 1
            self._names[new] = {}
            self._names[node][name] = new
            return self._entry(new)
        if kind == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self._attributes(node)
        if kind == OPENDIR:
            return struct.pack("<QII", 0, 0, 0)
        if kind == READDIR:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self._listing(node, offset, size)
        if kind == STATFS:
            return struct.pack("<5Q4I6I", 1, 1, 1, 1, 1, 4096, 255, 4096, 0, *[0] * 6)
        if kind == FSYNCDIR:
            self.fsyncdir_nodes.append(node)
            return b""
        if kind in (RELEASEDIR, DESTROY):
            return b""
        raise OSError(errno.ENOSYS, "")

    def _listing(self, node, offset, size):
        out = b""
        for place, (name, child) in enumerate(sorted(self._names[node].items())):
            entry = struct.pack("<QQII", child, place + 1, len(name), stat.S_IFDIR >> 12) + name
            entry += b"\0" * (-len(entry) % 8)
            if place >= offset and len(out) + len(entry) <= size:
                out += entry
        return out

    def _entry(self, node):
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + self._attributes(node)

    def _attributes(self, node):
        user, group = self._owner
        return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o755, 2, user, group, 0, 4096, 0)
