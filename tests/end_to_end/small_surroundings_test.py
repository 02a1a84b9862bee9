"""Containers and accounts that give a server little: few threads, few descriptors, no home directory, the place of PID 1."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

from harness import (FTPCD, IS_ROOT, PASSWORD, SANITIZED, EndToEndTest, Log, Server, children_of, is_alive, run, scaled, stop_cleanly,
                     until)
from control_client import can_log_in, logged_in

# Becomes the server after it has been given a process whose parent has ended, and has written down which one.
ADOPTS = """
import ctypes, os, sys, time
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
child = os.fork()
if child == 0:
    orphan = os.fork()
    if orphan == 0:
        os.execvp("sleep", ["sleep", "600"])
    with open(sys.argv[1], "w") as file:
        file.write(str(orphan))
    os._exit(0)
os.waitpid(child, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


class AdoptedProcesses(EndToEndTest):
    def test_a_process_that_the_server_was_given_leaves_no_zombie(self):
        site = self.make_site()
        written = site.directory / "orphan"
        server = self.start(site, wrapper=(sys.executable, "-c", ADOPTS, str(written)))
        orphan = int(written.read_text(encoding="ascii"))
        os.kill(orphan, signal.SIGKILL)
        until(lambda: not pathlib.Path(f"/proc/{orphan}").exists(), "its status is taken")
        self.assert_net_comes_back(server)

    def test_a_server_whose_parent_ignores_its_children_looks_after_its_own(self):
        self.assert_net_comes_back(self.start(self.make_site(), wrapper=("env", "--ignore-signal=CHLD")))

    def assert_net_comes_back(self, server):
        os.kill(server.child("net"), signal.SIGKILL)
        server.log.wait_for('event=child-ended process=net with="signal 9"')
        until(lambda: can_log_in(server.port), "net is back")


class FirstProcessServer(Server):
    """The server as PID 1 of a namespace of its own. All process ids here are those outside of it."""

    def __init__(self, site, before="true"):
        """`before`: words of a shell that has PID 1 before the server."""
        super().__init__(site, wrapper=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                                        "sh", "-c", before + '; exec "$@"', "sh"))
        (self._pid,) = children_of(self.process.pid).values()

    @property
    def pid(self):
        return self._pid

    def stop(self):
        """As Server.stop; unshare(1) waits for the server, and takes over its status."""
        children = list(children_of(self.pid).values())
        os.kill(self.pid, signal.SIGTERM)
        status = self.process.wait(scaled(15))
        left = [pid for pid in children if is_alive(pid)]
        if left:
            raise AssertionError(f"the server has ended but left its children {left}")
        return status

    def run_beside(self, script):
        """A shell in the same namespace, as `docker exec` starts it."""
        subprocess.run(["nsenter", "--target", str(self.pid), "--pid", "sh", "-c", script], check=True, stdin=subprocess.DEVNULL,
                       timeout=scaled(30))


@unittest.skipUnless(IS_ROOT, "only root makes a PID namespace")
class FirstProcess(EndToEndTest):
    def start_first(self, **options):
        server = FirstProcessServer(self.make_site(), **options)
        self.addCleanup(stop_cleanly, server)
        self.assertRegex(pathlib.Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8"), rf"(?m)^NSpid:\t{server.pid}\t1$")
        return server

    def test_processes_that_lose_their_parent_leave_no_zombie(self):
        server = self.start_first(before="(sleep 600 &)")
        os.kill(children_of(server.pid)["sleep"], signal.SIGKILL)
        for _ in range(3):
            server.run_beside("(sleep 0.1 &) ; (true &)")
        until(lambda: set(children_of(server.pid)) == {"ftpcd: auth", "ftpcd: net"}, "the status of each is taken")

    def test_children_that_are_killed_come_back(self):
        server = self.start_first()
        for name in ("net", "auth"):
            killed = server.child(name)
            os.kill(killed, signal.SIGKILL)
            server.log.wait_for(f'event=child-ended process={name} with="signal 9"')
            until(lambda: server.child(name) not in (None, killed), f"{name} is back")
            until(lambda: can_log_in(server.port), "users can log in")
        self.assertEqual(set(children_of(server.pid)), {"ftpcd: auth", "ftpcd: net"}, "those that were killed are gone")

    def test_sigterm_ends_the_server_in_order_beside_a_process_that_it_was_given(self):
        server = self.start_first(before="(sleep 600 &)")
        sleeper = children_of(server.pid)["sleep"]
        with logged_in(server.port) as control:
            self.assertEqual(control.code("MKD a"), 257)
            self.assertEqual(server.stop(), 0)
            self.assertEqual(control.reply().code, 421)
        server.log.wait_for("event=stopped")
        until(lambda: not is_alive(sleeper), "all of the namespace ends with its first process")

    def test_changes_of_users_reach_it_from_outside(self):
        server = self.start_first()
        with logged_in(server.port) as control:
            done = server.site.ftpcd("user", "lock", "alice")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(control.reply().code, 421)
        self.assertFalse(can_log_in(server.port))


@unittest.skipUnless(IS_ROOT, "only root makes a user of its own, whose processes are counted alone")
class FewResources(EndToEndTest):
    def setUp(self):
        self.home = self.make_directory()
        self.user = 1_000_000 + os.getpid() % 1_000_000  # in no user database
        self.program = self.home / "ftpcd"
        shutil.copy(FTPCD, self.program)
        os.chown(self.home, self.user, self.user)
        self.data = ("--data", str(self.home / "data"))
        self.flags = (*self.data, "--listen", "127.0.0.1:0", "--scrypt", "ln=10,r=8,p=1")
        done = self.as_user((), "user", "add", "alice", *self.data, "--password-stdin", input=PASSWORD + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)

    def words(self, limits, *arguments):
        return ("setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "prlimit", *limits, str(self.program), *arguments)

    def as_user(self, limits, *arguments, **options):
        return run("env", "-C", "/", *self.words(limits, *arguments), **options)

    @contextlib.contextmanager
    def serve(self, *limits):
        """The log of a server once it says that it listens, or has ended, and its process."""
        process = subprocess.Popen(self.words(limits, "serve", *self.flags), cwd="/", stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        log = Log(process.stderr)
        try:
            yield log, process
        finally:
            process.terminate()
            process.wait(scaled(15))
            until(lambda: not self.has_processes(), "those that it started are gone, and count no more")

    def has_processes(self):
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                if re.search(rf"^Uid:\t{self.user}\t", status.read_text(encoding="utf-8"), re.MULTILINE):
                    return True
        return False

    def assert_served_or_refused(self, *limits):
        """Whether a user can log in; otherwise the server has ended with its reason."""
        with self.serve(*limits) as (log, process):
            said = log.wait_for(r"^ftpcd: (?:listening on \S+:(\d+),|(?!listening ).*$)", seconds=60)
            if said[1]:
                self.assertTrue(can_log_in(int(said[1])))
                return True
            self.assertEqual(process.wait(scaled(15)), 1)
            self.assertNotRegex(log.text, "terminate called|child-ended")
            return False

    @unittest.skipIf(SANITIZED, "a sanitizer has threads of its own")
    def test_without_threads_the_server_says_so_or_serves_with_fewer(self):
        served = [self.assert_served_or_refused(f"--nproc={count}") for count in range(1, 14)]
        self.assertFalse(served[0])
        self.assertTrue(served[-1])
        self.assertEqual(served, sorted(served), "more threads are never worse")
        with self.serve(f"--nproc={served.index(True)}") as (log, _):
            said = log.wait_for("^ftpcd: (.*)$")[1]
        self.assertRegex(said, "cannot start a (thread|process): Resource temporarily unavailable; raise the limit of processes")

    def test_too_few_descriptors_are_refused_with_the_number_that_is_needed(self):
        for count in (4, 12, 16, 20, 32)[1 if SANITIZED else 0:]:  # a sanitizer's runtime itself needs more than 4
            with self.subTest(count):
                self.assertFalse(self.assert_served_or_refused(f"--nofile={count}:{count}"))
        with self.serve("--nofile=20:20") as (log, _):
            needed = int(log.wait_for("may have 20 descriptors, and the server needs at least ([0-9]+); raise the limit")[1])
        self.assertIn(f"needs at least {needed}", self.as_user(("--nofile=20:20",), "check", *self.flags).stderr)
        self.assertTrue(self.assert_served_or_refused(f"--nofile={needed}:{needed}"))
        self.assertTrue(self.assert_served_or_refused(f"--nofile=8:{4 * needed}"), "the soft limit is raised")

    def test_without_a_home_directory_the_place_of_the_data_has_to_be_given(self):
        for home in (("-u", "HOME"), ("HOME=",), ("HOME=relative",)):
            for command in (("serve",), ("check",), ("user", "list")):
                with self.subTest(home=home, command=command):
                    done = run("env", "-C", "/", "-u", "XDG_STATE_HOME", *home, *self.words((), *command))
                    self.assertNotEqual(done.returncode, 0)
                    self.assertEqual(re.sub(r"ftpcd: see: .*\n", "", done.stderr),
                                     "ftpcd: data: there is no home directory to have it in; set HOME, XDG_STATE_HOME or --data\n")
        done = run("env", "-C", "/", "-u", "HOME", "-u", "XDG_STATE_HOME", *self.words((), "serve", "--help"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = run("env", "-C", "/", "-u", "HOME", *self.words((), "user", "list", *self.data))
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
