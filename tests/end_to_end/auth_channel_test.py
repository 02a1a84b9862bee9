"""The channel between net and auth: changes of many sessions at once, and another channel when one breaks."""
import ctypes
import itertools
import os
import re
import signal
import socket
import threading
import time
import unittest

from harness import IS_ROOT, EndToEndTest, scaled, timing, until
from control_client import can_log_in, connect, logged_in, many_logged_in, realm_of
from users_db_damaged_test import put_in_place

SYS_PIDFD_GETFD = 438  # on every architecture
CONTROL_DESCRIPTOR = 3


def end_of_channel(pid):
    """A duplicate of the end that `pid`, net or auth, has of the channel between the two, as soon as it has one."""
    return until(lambda: end_of_channel_if_there(pid), f"process {pid} has a channel")


def end_of_channel_if_there(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for number in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
            if number == CONTROL_DESCRIPTOR or not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
                continue
            fd = libc.syscall(SYS_PIDFD_GETFD, process, number, 0)
            if fd < 0:
                raise unittest.SkipTest(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
            end = socket.socket(fileno=fd)
            if end.family == socket.AF_UNIX and end.type == socket.SOCK_SEQPACKET:
                return end
            end.close()
    finally:
        os.close(process)
    return None


class ManySessions(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.sessions = []
        self.addCleanup(lambda: [control.close() for control in self.sessions])

    def change(self, *words):
        """`ftpcd user`; waits until auth has read it."""
        before = self.server.log_size()
        done = self.server.site.ftpcd("user", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server.log.wait_for("event=users-read", before)

    def stop_net(self):
        net = self.server.child("net")
        os.kill(net, signal.SIGSTOP)
        self.addCleanup(os.kill, net, signal.SIGCONT)
        return net

    def test_thousands_of_changes_of_sessions_reach_a_net_that_is_slow_to_read(self):
        self.sessions = many_logged_in(self.server.port, 250)
        net = self.stop_net()
        for limit in range(1, 25):  # 6,000 changes
            self.change("quota", "alice", str(1000 + limit))
        self.change("quota", "alice", "1")
        os.kill(net, signal.SIGCONT)
        self.assertEqual(self.sessions[0].code("MKD one"), 257)
        names = itertools.count()
        for control in self.sessions:
            until(lambda: control.code(f"MKD too-many{next(names)}") == 552, "the last limit is in force")
        self.assertNotIn("event=channel-closed", self.server.log.text)
        self.assertTrue(can_log_in(self.server.port))

    def test_all_sessions_of_a_user_who_is_locked_end_and_others_log_in(self):
        self.sessions = many_logged_in(self.server.port, 400)
        net = self.stop_net()
        self.change("lock", "alice")
        os.kill(net, signal.SIGCONT)
        for control in self.sessions:
            self.assertEqual(control.reply().code, 421)
        self.change("unlock", "alice")
        self.assertNotIn("event=channel-closed", self.server.log.text)
        self.assertTrue(can_log_in(self.server.port))


class OtherRealm(EndToEndTest):
    def test_each_session_announces_the_realm_of_users_db_while_it_changes(self):
        server = self.serve()
        users = server.site.users_db.read_text(encoding="utf-8")
        ended = threading.Event()
        seen = [set(), set(), set()]

        def ask_again_and_again(announced):
            with connect(server.port) as control:
                while not ended.is_set():
                    announced.add(realm_of(control))
        threads = [threading.Thread(target=ask_again_and_again, args=(announced,)) for announced in seen]
        for thread in threads:
            thread.start()
        try:
            for number in range(20):
                realm = f"another-realm-that-fills-more-than-a-short-string-{number}"
                put_in_place(server.site.users_db, re.sub(r"(?m)^realm .*", f"realm {realm}", users).encode())
                until(lambda: all(realm in announced for announced in seen), "every session announces it")
        finally:
            ended.set()
            for thread in threads:
                thread.join()


@unittest.skipUnless(IS_ROOT, "only root gets at descriptors of the inner processes")
class BrokenChannel(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.children = {name: self.server.child(name) for name in ("net", "auth")}

    def assert_service_goes_on_after(self, breaking):
        """With the same processes, within a second; those who were logged in are told."""
        with logged_in(self.server.port) as session, connect(self.server.port) as unauthenticated:
            before = self.server.log_size()
            breaking()
            broken = time.monotonic()
            self.assertEqual(session.reply().code, 421)
            self.assertTrue(session.ended())
            self.server.log.wait_for("event=channel-replaced", before)
            until(lambda: can_log_in(self.server.port), "logins work again")
            self.assertLess(time.monotonic() - broken, scaled(1))
            self.assertEqual(unauthenticated.log_in().code, 230, "a connection that was not logged in has lost nothing")
        self.assertEqual({name: self.server.child(name) for name in ("net", "auth")}, self.children)
        self.assertEqual(len(re.findall("event=channel-replaced", self.server.log.text[before:])), 1)

    @timing
    def test_one_that_is_shut_down(self):
        for name in ("net", "auth"):
            with end_of_channel(self.children[name]) as end:
                self.assert_service_goes_on_after(lambda: end.shutdown(socket.SHUT_RDWR))

    @timing
    def test_one_that_has_brought_a_malformed_message(self):
        for name, receiver in (("net", "auth"), ("auth", "net")):
            with end_of_channel(self.children[name]) as end:
                before = self.server.log_size()
                self.assert_service_goes_on_after(lambda: end.send(b"nonsense"))
                self.server.log.wait_for(rf"ftpcd\[{receiver}\]: .*event=channel-closed reason=", before)

    @timing
    def test_one_that_one_side_cannot_send_over(self):
        with end_of_channel(self.children["net"]) as end:
            self.assert_service_goes_on_after(lambda: end.shutdown(socket.SHUT_WR))

    def test_one_that_breaks_again_and_again_keeps_nobody_busy(self):
        before = self.server.log_size()
        began = time.monotonic()
        while time.monotonic() - began < 2:
            with end_of_channel(self.children["net"]) as end:
                end.shutdown(socket.SHUT_RDWR)
            count = self.server.log.text[before:].count("event=channel-replaced")
            until(lambda: self.server.log.text[before:].count("event=channel-replaced") > count or
                  time.monotonic() - began > 2, "another channel")
        replaced = self.server.log.text[before:].count("event=channel-replaced")
        self.assertGreater(replaced, 1)
        self.assertLessEqual(replaced, 4 * (time.monotonic() - began) + 2)
        until(lambda: can_log_in(self.server.port), "logins work again")


if __name__ == "__main__":
    unittest.main()
