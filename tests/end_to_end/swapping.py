"""Two names that change places all the while."""
import contextlib
import ctypes
import os
import signal

RENAME_EXCHANGE = 2  # renameat2(2)
AT_FDCWD = -100


@contextlib.contextmanager
def swapping(a, b):
    """A second process that exchanges `a` and `b` all the while."""
    libc = ctypes.CDLL(None)
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            while libc.renameat2(AT_FDCWD, bytes(a), AT_FDCWD, bytes(b), RENAME_EXCHANGE) == 0:
                pass
        os._exit(1)
    try:
        yield
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            raise AssertionError("the swapping has ended early")
    finally:
        with contextlib.suppress(ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
