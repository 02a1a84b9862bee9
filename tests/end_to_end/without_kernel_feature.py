"""Executes a program on a kernel that seems to lack Landlock, seccomp filters or inotify, as far as the program can tell.

    without_kernel_feature.py landlock|seccomp|both|inotify|inotify-limit|inotify-news PROGRAM [ARGUMENT...]

inotify: a container forbids it. inotify-limit: the user has no watch left. inotify-news: it tells of nothing, as on a file
system that another machine changes.

The system calls in question fail as they do on such a kernel (seccomp(2), with a filter made by hand).
"""
import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
RETURN_ALLOW, RETURN_ERRNO = 0x7FFF0000, 0x00050000

LANDLOCK_CREATE_RULESET = 444  # everywhere
SECCOMP, PRCTL = {"x86_64": (317, 157), "aarch64": (277, 167)}[platform.machine()]
INOTIFY_INIT, INOTIFY_ADD_WATCH = {"x86_64": (294, 254), "aarch64": (26, 27)}[platform.machine()]
NUMBER, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def fails(call, error):
    return [instruction(LOAD, NUMBER), instruction(IF_EQUAL, call, 0, 1), instruction(RETURN, RETURN_ERRNO | error)]


def prctl_fails(option, error):
    return [instruction(LOAD, NUMBER), instruction(IF_EQUAL, PRCTL, 0, 3), instruction(LOAD, FIRST_ARGUMENT),
            instruction(IF_EQUAL, option, 0, 1), instruction(RETURN, RETURN_ERRNO | error)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def install(instructions):
    code = b"".join(instructions)
    program = Program(len(instructions), code)
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program))):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def main(feature, *command):
    instructions = []
    if feature in ("landlock", "both"):
        instructions += fails(LANDLOCK_CREATE_RULESET, errno.ENOSYS)
    if feature in ("seccomp", "both"):
        instructions += fails(SECCOMP, errno.ENOSYS) + prctl_fails(PR_SET_SECCOMP, errno.EINVAL)
    if feature == "inotify":
        instructions += fails(INOTIFY_INIT, errno.EPERM)
    if feature == "inotify-limit":
        instructions += fails(INOTIFY_ADD_WATCH, errno.ENOSPC)
    if feature == "inotify-news":
        instructions += fails(INOTIFY_ADD_WATCH, 0)  # a watch, it seems
    install([*instructions, instruction(RETURN, RETURN_ALLOW)])
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
