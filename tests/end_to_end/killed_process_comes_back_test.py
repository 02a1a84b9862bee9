"""A child process that dies is started again, and the listening socket never refuses; SIGTERM ends all of them."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest

from harness import FTPCD, IS_ROOT, EndToEndTest, Site, children_of, is_alive, scaled, until
from control_client import can_log_in, connect, logged_in
from ftpc_client import FtpcUser

NOBODY = 65534


class KilledProcessComesBack(EndToEndTest):
    def setUp(self):
        self.server = self.serve()

    def kill(self, name):
        """SIGKILL of a child; returns its process id."""
        victim = self.server.child(name)
        before = self.server.log_size()
        os.kill(victim, signal.SIGKILL)
        self.server.log.wait_for(f"event=child-ended process={name} ", before)
        return victim

    def wait_for_other(self, name, than):
        return until(lambda: self.server.child(name) not in (None, than), f"{name} is started again")

    def test_net_is_back_and_its_port_never_refuses(self):
        for _ in range(3):
            victim = self.server.child("net")
            os.kill(victim, signal.SIGKILL)
            deadline = time.monotonic() + scaled(10)
            waiting = []
            try:
                while self.server.child("net") in (None, victim):
                    # A refusal would be a ConnectionRefusedError here.
                    waiting.append(socket.create_connection(("127.0.0.1", self.server.port), scaled(10)))
                    self.assertLess(time.monotonic(), deadline)
                self.assertTrue(waiting)
                # The new process serves a client that came while there was none to accept it.
                self.assertRegex(waiting[-1].recv(1000), rb"\A220 ")
            finally:
                for connection in waiting:
                    connection.close()
            until(lambda: can_log_in(self.server.port), "logins work again")

    def test_a_session_key_is_good_after_net_and_auth_were_killed(self):
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(self.server).returncode, 0)
        for name in ("net", "auth"):
            self.wait_for_other(name, self.kill(name))
            until(lambda: user.ftpc("status").returncode == 0, f"the login holds after the end of {name}")
        self.assertEqual(user.ftpc("mkdir", "after").returncode, 0)

    def test_sessions_end_with_421_when_auth_is_killed_and_logins_work_again(self):
        with logged_in(self.server.port) as control, connect(self.server.port) as unauthenticated:
            victim = self.kill("auth")
            self.assertEqual(control.reply().code, 421)
            self.assertTrue(control.ended())
            self.wait_for_other("auth", victim)
            until(lambda: can_log_in(self.server.port), "logins work again", 5)
            # A connection that was not logged in has lost nothing.
            self.assertEqual(unauthenticated.log_in().code, 230)
            self.assertEqual(unauthenticated.code("MKD after-auth"), 257)

    def test_a_login_that_auth_can_not_answer_is_451_and_not_a_refusal(self):
        # Stopped, so that the login waits for an answer; then killed.
        auth = self.server.child("auth")
        with connect(self.server.port) as control:
            self.assertEqual(control.code("USER alice"), 331)
            os.kill(auth, signal.SIGSTOP)
            control.send("PASS correct horse battery staple")
            os.kill(auth, signal.SIGKILL)
            self.assertEqual(control.reply().code, 451)
            self.wait_for_other("auth", auth)
            until(lambda: can_log_in(self.server.port), "logins work again", 5)
            self.assertEqual(control.log_in().code, 230)

    def test_both_children_come_back_when_both_are_killed(self):
        victims = children_of(self.server.pid)
        self.assertEqual(set(victims), {"ftpcd: auth", "ftpcd: net"})
        for pid in victims.values():
            os.kill(pid, signal.SIGKILL)
        until(lambda: can_log_in(self.server.port), "logins work again")

    def test_children_end_when_the_supervisor_is_killed(self):
        children = list(children_of(self.server.pid).values())
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.process.wait(scaled(10))
        until(lambda: not any(is_alive(pid) for pid in children), "no child is left")
        self.assertEqual(self.start(self.server.site).site, self.server.site)

    def test_a_child_that_hangs_ends_with_the_supervisor_too(self):
        # Or it would wake up some day and overwrite newer files with its old state.
        children = list(children_of(self.server.pid).values())
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.process.wait(scaled(10))
        until(lambda: not any(is_alive(pid) for pid in children), "no child is left")

    def test_a_child_that_is_stopped_and_woken_up_goes_on(self):
        children = children_of(self.server.pid)
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in children.values():
                os.kill(pid, number)
        self.assertTrue(can_log_in(self.server.port))
        self.assertEqual(children_of(self.server.pid), children)


@unittest.skipUnless(IS_ROOT and shutil.which("setcap") and shutil.which("setpriv"), "SKIPPED: needs root, setcap and setpriv")
class ProgramWithFileCapabilities(EndToEndTest):
    """As a server without root has them that listens on port 21. The kernel forgets a parent-death signal when it
    executes such a program."""

    def test_children_that_hang_end_with_the_supervisor(self):
        site = Site()
        self.addCleanup(site.remove)
        program = site.directory / "ftpcd"
        shutil.copy2(FTPCD, program)
        subprocess.run(["setcap", "cap_net_bind_service+ep", program], check=True)
        os.chown(site.directory, NOBODY, NOBODY)
        wrapper = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "sh", "-c", 'shift; exec "$0" "$@"', program)
        server = self.start(site, wrapper=wrapper)
        capabilities = pathlib.Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
        self.assertRegex(capabilities, r"(?m)^CapEff:\s+0*400$")
        children = list(children_of(server.pid).values())
        self.assertEqual(len(children), 2)
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(scaled(10))
        try:
            until(lambda: not any(is_alive(pid) for pid in children), "no child is left")
        finally:
            for pid in filter(is_alive, children):
                os.kill(pid, signal.SIGKILL)


class Stop(EndToEndTest):
    def test_sigterm_says_421_to_every_session_and_exits_0(self):
        server = self.serve()
        with logged_in(server.port) as control, connect(server.port) as unauthenticated:
            server.process.terminate()
            for open_connection in (control, unauthenticated):
                self.assertEqual(open_connection.reply().code, 421)
                self.assertTrue(open_connection.ended())
        self.assertEqual(server.process.wait(scaled(15)), 0)
        until(lambda: not children_of(server.pid), "no child is left", 1)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), 5)

    def test_ctrl_c_does_the_same(self):
        server = self.serve()
        with logged_in(server.port) as control:
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(control.reply().code, 421)
        self.assertEqual(server.process.wait(scaled(15)), 0)

    def test_a_client_that_does_not_read_cannot_hold_up_the_end(self):
        server = self.serve()
        with logged_in(server.port) as greedy, socket.create_connection(("127.0.0.1", server.port)) as silent:
            silent.sendall(b"AUTH TLS\r\n")  # and no handshake
            greedy.wait_at_most(1)
            try:
                while True:
                    greedy.send_bytes(b"STAT\r\n" * 1000)
            except TimeoutError:
                pass  # every buffer between the two is full
            began = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - began, scaled(8))

    def test_directories_acknowledged_before_the_end_are_there(self):
        server = self.serve()
        with logged_in(server.port) as control:
            control.send_bytes("".join(f"MKD {i}\r\n" for i in range(500)).encode())
            self.assertEqual(control.reply().code, 257)
            server.process.terminate()
            acknowledged = ["0"]
            while (reply := control.reply()).code == 257:
                acknowledged.append(reply.text.split('"')[1][1:])
        self.assertEqual(server.process.wait(scaled(15)), 0)
        for name in acknowledged:
            self.assertTrue((server.site.root / "alice" / name).is_dir(), name)


if __name__ == "__main__":
    unittest.main()
