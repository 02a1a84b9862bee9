"""How many connections may come: by address, not logged in, by user. A crowd of unauthenticated clients keeps no user out."""
import contextlib
import re
import socket
import threading
import time
import unittest

from harness import EndToEndTest, SharedServerTest, until
from control_client import Control, can_log_in, connect, logged_in

ATTACKER, USER, OTHER = "127.0.0.66", "127.0.0.1", "127.0.0.2"


class Flood:
    """Keeps as many connections as possible open from each of `sources`, anew whenever the server ends one."""

    def __init__(self, port, sources, held):
        self._port = port
        self._held = held
        self._ended = threading.Event()
        self.opened = 0
        self._threads = [threading.Thread(target=self._run, args=(source,)) for source in sources]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, source):
        with contextlib.ExitStack() as connections:
            held = []
            while not self._ended.is_set():
                with contextlib.suppress(OSError):
                    held.append(connections.enter_context(
                        socket.create_connection(("127.0.0.1", self._port), 5, source_address=(source, 0))))
                    self.opened += 1
                if len(held) > self._held:
                    held.pop(0).close()


class UnderAFlood(SharedServerTest):
    settings = {"max_unauthenticated": "10"}

    def test_a_user_logs_in_while_one_address_holds_all_places_and_goes_on_coming(self):
        with Flood(self.server.port, [ATTACKER], held=40) as flood:
            until(lambda: flood.opened > 100, "the flood has begun")
            for _ in range(10):
                with logged_in(self.server.port, source=USER) as control:
                    self.assertEqual(control.code("NOOP"), 200)
            before = flood.opened
            until(lambda: flood.opened > before + 20, "the flood went on all the time")

    def test_a_flood_does_not_flood_the_log(self):
        before = self.server.log_size()
        with Flood(self.server.port, [ATTACKER, OTHER], held=40) as flood:
            began = time.monotonic()
            until(lambda: flood.opened > 1000, "a flood", 60)
            self.server.log.wait_for("event=lines-withheld of=(connected|disconnected) count=", before, 60)
            text = self.server.log.text[before:]
            seconds = time.monotonic() - began + 2
        self.assertLessEqual(text.count("event=limit-hit"), seconds)
        # A hundred a second, and as many more to say that others were withheld.
        self.assertLess(text.count("\n"), 210 * seconds)
        self.assertTrue(can_log_in(self.server.port))


class Unauthenticated(SharedServerTest):
    settings = {"max_unauthenticated": "10"}

    def test_users_get_in_while_as_many_addresses_as_there_are_places_hold_one_each(self):
        unauthenticated = [Control(self.server.port, source=f"127.0.1.{i + 1}") for i in range(10)]
        try:
            # By lot: each try may hit the newcomer, once in eleven.
            until(lambda: can_log_in(self.server.port), "a user gets in", 20)
        finally:
            for control in unauthenticated:
                control.close()

    def test_the_connection_that_has_to_go_is_told_why_and_sessions_stay(self):
        with logged_in(self.server.port, source=ATTACKER) as session:
            unauthenticated = [Control(self.server.port, source=ATTACKER) for _ in range(10)]
            try:
                before = self.server.log_size()
                with Control(self.server.port, source=USER) as control:
                    self.assertEqual(control.greeting.code, 220)
                    self.server.log.wait_for(f"event=limit-hit limit=max-unauthenticated peer={ATTACKER}", before)
                    self.server.log.wait_for(f"event=disconnected id=\\d+ peer={ATTACKER} .*Too many conn", before)
                    self.assertEqual(control.code("NOOP"), 200)
                replies = [self.next_of(control) for control in unauthenticated]
                self.assertEqual(sorted(code for code in replies if code), [200] * 9 + [421])
                self.assertEqual(session.code("NOOP"), 200)
            finally:
                for control in unauthenticated:
                    control.close()

    @staticmethod
    def next_of(control):
        with contextlib.suppress(OSError):
            control.send("NOOP")
        return control.reply().code


class ByAddress(SharedServerTest):
    settings = {"max_connections_per_address": "3"}

    def test_one_too_many_of_an_address_gets_421_and_another_address_does_not_care(self):
        sessions = [logged_in(self.server.port, source=USER) for _ in range(3)]
        try:
            with Control(self.server.port, source=USER) as control:
                self.assertEqual(control.greeting.code, 421)
                self.assertIn("your address", control.greeting.text)
                self.assertTrue(control.ended())
            self.server.log.wait_for(f"event=limit-hit limit=max-connections-per-address peer={USER}")
            with logged_in(self.server.port, source=OTHER) as control:
                self.assertEqual(control.code("NOOP"), 200)
            for control in sessions:
                self.assertEqual(control.code("NOOP"), 200)
            sessions.pop().close()
            until(lambda: can_log_in(self.server.port), "the place is free again")
        finally:
            for control in sessions:
                control.close()

    def test_unauthenticated_clients_behind_the_user_s_own_address_do_not_keep_it_out(self):
        unauthenticated = [Control(self.server.port, source=OTHER) for _ in range(3)]
        try:
            def gets_in():  # by lot: each try may hit the newcomer, once in four
                with contextlib.suppress(AssertionError), logged_in(self.server.port, source=OTHER):
                    return True
            until(gets_in, "the user gets in")
        finally:
            for control in unauthenticated:
                control.close()


class SessionsOfAUser(SharedServerTest):
    users = ("alice", "bob")
    settings = {"max_sessions_per_user": "2"}

    def refused(self, user="alice"):
        with connect(self.server.port) as control:
            answer = control.log_in(user)
            return answer.code == 421 and "Too many sessions" in answer.text and control.ended()

    def test_one_session_too_many_is_refused_after_its_password_was_found_right(self):
        with logged_in(self.server.port) as one, logged_in(self.server.port) as two:
            self.assertTrue(self.refused())
            self.server.log.wait_for("event=limit-hit limit=max-sessions-per-user id=\\d+ user=alice peer=127.0.0.1")
            with logged_in(self.server.port, "bob") as other:
                self.assertEqual(other.code("NOOP"), 200)
            with connect(self.server.port) as wrong:
                self.assertEqual(wrong.log_in(password="wrong").code, 530, "nothing is told to who has no password")
            for control in (one, two):
                self.assertEqual(control.code("NOOP"), 200)
            # USER ends a login, and the place is another's.
            self.assertEqual(two.code("USER alice"), 331)
            with logged_in(self.server.port):
                self.assertTrue(self.refused())
        until(lambda: can_log_in(self.server.port), "room comes back")


class Rate(SharedServerTest):
    settings = {"max_commands_per_second": "200"}

    def test_a_client_that_is_too_fast_waits_and_loses_nothing(self):
        with logged_in(self.server.port) as fast, logged_in(self.server.port) as other:
            names = [f"d{i}" for i in range(600)]
            fast.send_bytes("".join(f"MKD {name}\r\n" for name in names).encode())
            self.server.log.wait_for("event=limit-hit limit=max-commands-per-second")
            made = len(list((self.server.site.root / "alice").iterdir()))
            self.assertLess(made, 600, "they are not all carried out at once")
            self.assertEqual(other.code("NOOP"), 200, "others do not wait")
            replies = [fast.reply() for _ in names]
            self.assertEqual([reply.code for reply in replies], [257] * 600)
            self.assertEqual([reply.text.split()[0] for reply in replies], [f'"/{name}"' for name in names])

    def test_a_waiting_client_is_ended_at_once_all_the_same(self):
        with logged_in(self.server.port) as fast:
            fast.send_bytes(b"NOOP\r\n" * 1000)
            self.assertEqual(fast.reply().code, 200)
            self.assertEqual(self.server.site.ftpcd("user", "lock", "alice").returncode, 0)
            codes = []
            while (code := fast.reply().code):
                codes.append(code)
            self.assertEqual(codes[-1], 421)
            self.assertLess(len(codes), 900)
            self.assertEqual(self.server.site.ftpcd("user", "unlock", "alice").returncode, 0)


class Reloaded(EndToEndTest):
    def test_new_bounds_hold_for_the_next_connection(self):
        server = self.serve()
        with logged_in(server.port) as one, logged_in(server.port) as two:
            server.site.configure(max_connections_per_address="1", max_commands_per_second="50")
            server.log.wait_for("event=reloaded", server.hang_up())

            def refused():
                with Control(server.port) as control:
                    return control.greeting.code == 421
            until(refused, "the new bound holds")
            for control in (one, two):
                self.assertEqual(control.code("NOOP"), 200, "who is there stays")
            one.pipeline(["NOOP"] * 100)
            server.log.wait_for("limit=max-commands-per-second")
            server.site.configure(max_connections_per_address="10")
            server.hang_up()
            until(lambda: not refused(), "and so does its end")
        self.assertNotIn("child-ended", server.log.text)


class Log(SharedServerTest):
    users = ("alice",)

    def test_the_lines_of_a_connection_are_tied_together(self):
        before = self.server.log_size()
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("MKD a"), 257)
            self.assertEqual(control.code("SITE MKDIR a/b/c"), 257)
            self.assertEqual(control.code("SITE MKDIR a/b/c"), 250)
            self.assertEqual(control.code("MKD a"), 521)
            self.assertEqual(control.code('MKD say "event=x" = \\'), 257)
            self.assertEqual(control.code("MKD missing/x"), 550)
            self.assertEqual(control.code("QUIT"), 221)
        log = self.server.log
        number = log.wait_for(r"event=connected id=(\d+) peer=127\.0\.0\.1$", before)[1]
        end = log.wait_for(rf"event=disconnected id={number} .*$", before)[0]
        self.assertRegex(end, r"peer=127\.0\.0\.1 user=alice reason=Goodbye\. seconds=\d+ commands=\d+ directories=4$")
        text = log.text[before:]
        self.assertRegex(text, rf"event=tls id={number} peer=\S+ version=TLSv1\.3 cipher=TLS_\w+\n")
        self.assertRegex(text, rf"event=session-began id={number} user=alice peer=\S+ version=TLSv1\.3 cipher=TLS_\w+\n")
        made = re.findall(rf"event=directory-made id={number} user=alice path=(.*)", text)
        self.assertEqual(made, ["/a", "/a/b/c made=2", r'"/say \"event=x\" = \\"'])
        self.assertLess(text.index("event=directory-made"), text.index("event=disconnected"))
        self.assertNotIn("correct horse", self.server.log.text)

    def test_a_very_long_path_takes_one_line_all_the_same(self):
        before = self.server.log_size()
        with logged_in(self.server.port) as control:
            path = "/".join(["\"" * 250] * 8)
            self.assertEqual(control.code(f"SITE MKDIR {path}"), 257)
        line = self.server.log.wait_for("event=directory-made .*$", before)[0]
        self.assertIn(f"path-bytes={len(path) + 1}", line)

    def test_directories_are_left_out_on_demand(self):
        self.server.site.configure(log_directories="off")
        self.server.log.wait_for("event=reloaded", self.server.hang_up())

        names = iter(range(10**6))

        def left_out():
            before = self.server.log_size()
            with logged_in(self.server.port) as control:
                self.assertEqual(control.code(f"MKD off{next(names)}"), 257)
            self.server.log.wait_for("event=disconnected .*directories=1", before)
            return "event=directory-made" not in self.server.log.text[before:]
        until(left_out, "the new setting holds")
        self.server.site.configure(log_directories=None)
        self.server.log.wait_for("event=reloaded", self.server.hang_up())


if __name__ == "__main__":
    unittest.main()
