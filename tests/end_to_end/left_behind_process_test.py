"""A process that cannot end, since the kernel waits for a file system, is replaced, and keeps no address from the next server."""
import os
import re
import signal
import socket
import time
import unittest

from harness import PASSWORD, EndToEndTest, is_alive, scaled, tree_owner, until
from control_client import can_log_in, connect
from hanging_file_system import HangingFileSystem, needs_fuse

KERNEL = tuple(int(number) for number in re.match(r"(\d+)\.(\d+)", os.uname().release).groups())
BACK_WITHIN = 3  # seconds, times FTPC_TEST_SCALE


class HangingThread(EndToEndTest):
    """A server in which a thread of net waits for a file system in the home of alice."""

    def setUp(self):
        self.server = None
        site = self.make_site(("alice", "bob"))
        self.slow = HangingFileSystem(site.root / "alice", tree_owner())
        self.addCleanup(self.slow.unmount)
        self.server = self.start(site)
        self.addCleanup(self.slow.go_on)  # before the server is stopped
        site.configure(listen=f"127.0.0.1:{self.server.port}")
        self.slow.hang()
        self.hang()

    def hang(self):
        alice = connect(self.server.port)
        self.addCleanup(alice.close)
        self.assertEqual(alice.code("USER alice"), 331)
        before = self.slow.asked()
        alice.send(f"PASS {PASSWORD}")  # her home is opened
        self.slow.wait_until_asked(before + 1)

    def kill_net(self):
        """Its process id; it is a zombie from then on, of which a thread lives."""
        net = self.server.child("net")
        before = self.server.log_size()
        os.kill(net, signal.SIGKILL)
        self.server.log.wait_for(f"event=left-behind process=net pid={net} ", before)
        return net

    def wait_for_logins(self):
        until(lambda: can_log_in(self.server.port, "bob"), "bob can log in", BACK_WITHIN)

    def assert_next_server_starts(self):
        self.server = self.start(self.server.site)
        self.assertTrue(can_log_in(self.server.port, "bob"))


@needs_fuse
class NetThatCannotEnd(HangingThread):
    def test_another_one_serves_beside_it_and_it_is_reaped_when_the_file_system_answers(self):
        net = self.kill_net()
        self.wait_for_logins()
        self.assertNotEqual(self.server.child("net"), net)
        before = self.server.log_size()
        self.slow.go_on()
        self.server.log.wait_for(f"event=left-behind-ended process=net pid={net}$", before)
        self.assertFalse(os.path.exists(f"/proc/{net}"))

    def test_the_pause_grows_with_each_that_is_left_behind_and_ends_with_them(self):
        for _ in range(4):
            before = self.server.log_size()
            net = self.kill_net()
            began = time.monotonic()
            self.server.log.wait_for("event=child-restarted process=net", before)
            pause = time.monotonic() - began
            until(lambda: can_log_in(self.server.port, "bob"), "bob can log in")
            self.hang()
        self.assertGreater(pause, 0.05 * 2 ** 3)  # 50 ms, doubled for each
        self.slow.go_on()
        until(lambda: not is_alive(net), "all that were left behind have ended")


@needs_fuse
class NextServer(HangingThread):
    def test_it_starts_after_sigterm(self):
        self.server.process.terminate()
        self.assertEqual(self.server.process.wait(scaled(15)), 0)
        self.assert_next_server_starts()

    def test_it_starts_after_sigterm_with_a_net_that_was_left_behind(self):
        self.kill_net()
        self.wait_for_logins()
        self.test_it_starts_after_sigterm()

    def kill_supervisor(self):
        net = self.server.child("net")
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.process.wait(scaled(10))
        until(lambda: not is_alive(net), "net has ended but for the thread that hangs")
        with self.assertRaises(ConnectionRefusedError):  # it has closed its sockets
            socket.create_connection(("127.0.0.1", self.server.port), scaled(10)).close()

    def test_it_starts_after_the_supervisor_was_killed(self):
        self.kill_supervisor()
        self.assert_next_server_starts()

    def test_it_starts_after_the_supervisor_was_killed_with_a_net_that_was_left_behind(self):
        self.kill_net()
        self.wait_for_logins()
        self.kill_supervisor()
        self.assert_next_server_starts()

    @unittest.skipIf(KERNEL < (6, 9), "SKIPPED: descriptors of a single thread are to be had from Linux 6.9 on")
    def test_it_starts_after_all_processes_were_killed(self):
        """Then none of them could close anything; the next server looks for their sockets."""
        for pid in reversed(self.server.all_processes()):
            os.kill(pid, signal.SIGKILL)
        self.server.process.wait(scaled(10))
        self.assert_next_server_starts()

    def test_it_starts_after_the_supervisor_was_killed_with_a_net_that_was_stopped(self):
        os.kill(self.server.child("net"), signal.SIGSTOP)
        self.kill_supervisor()
        self.assert_next_server_starts()


class SilentChildren(EndToEndTest):
    def test_children_that_were_stopped_are_replaced(self):
        server = self.serve()
        before = server.log_size()
        stopped = {name: server.child(name) for name in ("auth", "net")}
        for pid in stopped.values():
            os.kill(pid, signal.SIGSTOP)
        for name in stopped:
            server.log.wait_for(f"event=child-silent process={name} ", before, 40)
        until(lambda: can_log_in(server.port), "logins work again")
        for name, pid in stopped.items():
            self.assertNotIn(server.child(name), (None, pid))


if __name__ == "__main__":
    unittest.main()
