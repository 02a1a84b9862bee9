"""No descriptors left: clients are told so, sessions go on, the log stays readable, and it passes."""
import re
import resource
import time
import unittest

from harness import SANITIZED, EndToEndTest, until
from control_client import Control, can_log_in, logged_in

ATTACKER = "127.0.0.66"

# UndefinedBehaviorSanitizer looks at an object's vptr through a pipe, and without descriptors it reports a
# broken object. LeakSanitizer ends a process whose /proc/PID/task it cannot open.
none_left = unittest.skipIf(SANITIZED, "a sanitizer's runtime needs descriptors itself")


class Descriptors(EndToEndTest):
    def setUp(self):
        self.open = []
        self.addCleanup(lambda: [control.close() for control in self.open])

    def keep(self, control):
        self.open.append(control)
        return control

    def start_with(self, descriptors, **settings):
        settings = {"passive_ports": "2122"} | settings  # one, which leaves the numbers below to connections
        return self.start(self.make_site(**settings), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors,) * 2))

    def turned_away(self, control):
        return control.greeting.code == 421 and "full" in control.greeting.text

    @staticmethod
    def changes_directory(control):
        control.ask("MKD here")
        return control.code("CWD here") == 250

    @none_left
    def test_a_client_that_comes_when_there_are_none_is_told_so_and_sessions_go_on(self):
        server = self.start_with(60)  # at most 30 connections; but each session has a directory open, too
        net = server.child("net")
        sessions = []
        while not self.turned_away(control := self.keep(Control(server.port))):
            if control.start_tls().log_in().code == 230 and self.changes_directory(control):
                sessions.append(control)
        self.assertLess(len(sessions), 30)
        began = time.monotonic()
        log_before = server.log_size()
        turned_away = 0
        for _ in range(100):  # one descriptor may be left, for some of them: nobody is kept waiting or cut off
            with Control(server.port) as control:
                self.assertIn(control.greeting.code, (220, 421))
                turned_away += self.turned_away(control)
        self.assertGreater(turned_away, 0)
        for i, control in enumerate(sessions):
            self.assertEqual(control.code(f"MKD during{i}"), 257)
        # With one left the newcomer is turned away, with none it cannot even be accepted: as the sessions' numbers have it.
        said = re.compile('event=(?:limit-hit limit=descriptors peer=127.0.0.1|accept-failed error="Too many open files")')
        self.assertRegex(server.log.text, said)
        lines = len(said.findall(server.log.text[log_before:]))
        self.assertLessEqual(lines, 2 * (time.monotonic() - began + 2), "a line a second is enough, of each kind")
        for control in sessions[5:]:
            control.close()
        until(lambda: can_log_in(server.port), "accepting goes on")
        self.assertEqual(server.child("net"), net, server.log.text)

    @none_left
    def test_unauthenticated_clients_that_hold_the_last_descriptors_make_room(self):
        server = self.start_with(60)
        sessions = [self.keep(logged_in(server.port)) for _ in range(12)]
        for control in sessions:
            self.assertTrue(self.changes_directory(control))
        for _ in range(40):  # of those who hold one, or the newcomer, one goes by lot
            self.keep(Control(server.port, source=ATTACKER))
        server.log.wait_for(f"event=limit-hit limit=descriptors peer={ATTACKER}")
        until(lambda: can_log_in(server.port), "a user gets in")
        for control in sessions:
            self.assertEqual(control.code("NOOP"), 200)

    @none_left
    def test_unauthenticated_clients_leave_the_last_descriptors_to_sessions(self):
        server = self.start_with(60)
        sessions = [self.keep(logged_in(server.port)) for _ in range(16)]
        for control in sessions:
            self.assertTrue(self.changes_directory(control))
        self.assertEqual(sessions[0].code("SITE MKDIR /a/b"), 257)
        for _ in range(40):  # more than there are descriptors for
            self.keep(Control(server.port, source=ATTACKER))
        server.log.wait_for(f"event=limit-hit limit=descriptors peer={ATTACKER}")
        for i in range(10):  # opens the parent
            self.assertEqual(sessions[0].code(f"MKD /a/b/{i}"), 257)

    def test_unauthenticated_clients_leave_the_descriptors_that_sessions_need(self):
        server = self.start_with(200)
        server.log.wait_for("event=few-descriptors limit=200 max-connections=136")
        session = self.keep(logged_in(server.port))
        self.assertEqual(session.code("SITE MKDIR a/b"), 257)
        for _ in range(300):
            self.keep(Control(server.port, source=ATTACKER))
        for i in range(10):  # opens the parent
            self.assertEqual(session.code(f"MKD a/b/{i}"), 257)
        self.assertTrue(can_log_in(server.port))
        self.assertNotIn("event=accept-failed", server.log.text)

    @none_left
    def test_deep_paths_of_many_sessions_leave_descriptors_to_others(self):
        for settings in ({}, {"hand_over": "always"}, {"max_dirs": "1000000"}):
            with self.subTest(settings):
                server = self.start_with(150, users=("alice", "bob"), **settings)
                deep = [self.keep(logged_in(server.port)) for _ in range(16)]
                bob = self.keep(logged_in(server.port, "bob"))
                for number, control in enumerate(deep):
                    paths = ("/".join(64 * [f"{number}-{i}"]) for i in range(2))
                    control.send_bytes("".join(f"SITE MKDIR {path}\r\n" for path in paths).encode())
                for i in range(5):
                    self.assertEqual(bob.code(f"SITE MKDIR {i}/x/y"), 257)
                    self.assertTrue(can_log_in(server.port, "bob"))
                self.assertEqual({control.reply().code for control in deep for _ in range(2)}, {257})
                self.assertNotIn("Too many open files", server.log.text)

    @none_left
    def test_many_parents_of_many_sessions_do_so_too(self):
        server = self.start_with(150)
        sessions = [self.keep(logged_in(server.port)) for _ in range(16)]
        self.assertEqual({reply.code for reply in sessions[0].pipeline([f"MKD {i}" for i in range(64)])}, {257})
        for number, control in enumerate(sessions):
            control.send_bytes("".join(f"MKD {i}/{number}\r\n" for i in range(64)).encode())
        self.assertEqual({control.reply().code for control in sessions for _ in range(64)}, {257})


if __name__ == "__main__":
    unittest.main()
