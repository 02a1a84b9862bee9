"""A password, and the hash of one, leave the memory of both processes with the command that brought them."""
import base64
import os
import pathlib
import socket
import unittest

from harness import IS_ROOT, SANITIZED, EndToEndTest, until
from control_client import Control, connect, logged_in

MANY = [f"MKD d{number}" for number in range(200)]


def found_in(pid, needles):
    """Which of the byte strings a process has anywhere in its memory."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            place, permissions = line.split()[:2]
            if "r" not in permissions or "[v" in line:
                continue
            begin, end = (int(number, 16) for number in place.split("-"))
            try:
                memory.seek(begin)
                contents = memory.read(end - begin)
            except OSError:  # nothing is behind it
                continue
            found |= {needle for needle in needles if needle in contents}
    return found


@unittest.skipUnless(IS_ROOT, "the memory of the processes is closed to all but root")
@unittest.skipIf(SANITIZED, "a sanitizer keeps what was freed")
class SecretsInMemory(EndToEndTest):
    def setUp(self):
        self.password = "own-" + base64.b64encode(os.urandom(18)).decode()
        self.prehash = os.urandom(32)  # of an unknown name: it is treated the same
        self.encoded = base64.b64encode(self.prehash).decode().rstrip("=")
        self.server = self.serve(users=(), reactors=1)
        self.server.site.add_user("alice", self.password)
        self.server.site.add_user("bob")
        until(lambda: self.answers_to_bob(), "the users are known")

    def answers_to_bob(self):
        with connect(self.server.port) as control:
            return control.log_in("bob").code == 230

    def assert_forgotten(self, way):
        """Once the connection has ended that `way` has made."""
        before = self.server.log_size()
        way()
        self.server.log.wait_for("event=disconnected", before)
        needles = {self.password.encode(), self.encoded.encode(), self.prehash}
        for process in ("net", "auth"):
            pid = self.server.child(process)
            until(lambda: not found_in(pid, needles), f"{process} has forgotten what came by {way.__name__}: {found_in(pid, needles)}")

    def test_a_scan_finds_a_secret_that_is_there(self):
        with connect(self.server.port) as control:
            control.send_bytes(b"USER alice\r\nPASS " + self.password.encode())  # the line end is still to come
            net = self.server.child("net")
            until(lambda: found_in(net, {self.password.encode()}), "the password is found while its line is incomplete")
            control.send_bytes(b"\r\n")
            self.assertEqual([control.reply().code, control.reply().code], [331, 230])

    def test_nothing_is_left_of_a_login_of_any_kind(self):
        pass_line, hash_line = f"PASS {self.password}", f"SITE AUTH PREHASH1 {self.encoded}"
        deep = 3800 * "x" + "\r\n"  # freed memory is soon written over from the front, and reads are of 4 KiB

        def password():
            with connect(self.server.port) as control:
                self.assertEqual(control.log_in("alice", self.password).code, 230)

        def prehash():
            with connect(self.server.port) as control:
                self.assertEqual([reply.code for reply in control.pipeline(["USER alice", hash_line])], [331, 530])

        def prehash_then_quit():
            with connect(self.server.port) as control:
                control.pipeline(["USER alice", hash_line])
                control.ask("QUIT")

        def login_with_commands_behind_it():
            with connect(self.server.port) as control:
                replies = control.pipeline(["USER alice", pass_line, *MANY])
                self.assertEqual({reply.code for reply in replies[2:]} - {257, 521}, set())

        def login_behind_commands():
            with connect(self.server.port) as control:
                control.pipeline(["NOOP"] * 200 + ["USER alice", hash_line, "NOOP", "NOOP"])

        def another_login():
            with logged_in(self.server.port, "bob") as control:
                self.assertEqual(control.log_in("alice", self.password).code, 230)

        def another_login_in_one_flight():
            with logged_in(self.server.port, "bob") as control:
                replies = control.pipeline(["NOOP"] * 50 + ["USER alice", pass_line])
                self.assertEqual([reply.code for reply in replies[-2:]], [331, 230])

        def misspelled_commands():
            with connect(self.server.port) as control:
                control.pipeline([f"PAS {self.password}", f"SITE AUTH PREHASH2 {self.encoded}", f"SITE AUTH PREHASH1 {self.encoded}=", pass_line])

        def command_without_its_end():
            with connect(self.server.port) as control:
                control.send_bytes(f"USER alice\r\n{pass_line}".encode())
                self.assertEqual(control.reply().code, 331)
                control.reset_on_close()

        def line_that_is_too_long():
            with connect(self.server.port) as control:
                control.send_while_reading(f"PASS {self.password}{'x' * 20000}{self.encoded}\r\n".encode())
                self.assertEqual(control.reply().code, 500)

        def in_clear():
            with Control(self.server.port) as control:
                self.assertEqual([reply.code for reply in control.pipeline(["USER alice", pass_line, hash_line])], [534, 534, 534])

        def behind_auth_tls():
            with Control(self.server.port) as control:
                control.send_bytes(f"AUTH TLS\r\n{pass_line}\r\n".encode())
                self.assertTrue(control.ended())

        def behind_rein():
            with logged_in(self.server.port, "bob") as control:
                control.send_bytes(f"REIN\r\nUSER alice\r\n{pass_line}\r\n".encode())
                self.assertEqual(control.reply().code, 220)

        def behind_the_reply_to_rein():
            with logged_in(self.server.port, "bob") as control:
                self.assertEqual(control.code("REIN"), 220)
                control.send_bytes(f"{deep}USER alice\r\n{pass_line}\r\n{hash_line}\r\n".encode())

        def behind_the_last_reply():
            with connect(self.server.port) as control:
                control.send_bytes(f"QUIT\r\n{pass_line}\r\n{hash_line}\r\n".encode())
                self.assertEqual(control.reply().code, 221)

        def in_clear_behind_the_last_reply():
            with Control(self.server.port) as control:
                self.assertEqual(control.code("QUIT"), 221)
                control.send_bytes(f"{deep}{pass_line}\r\n{hash_line}\r\n".encode())
                control.into_socket().shutdown(socket.SHUT_WR)
                self.assertTrue(control.ended())

        for way in (password, prehash, prehash_then_quit, login_with_commands_behind_it, login_behind_commands, another_login,
                    another_login_in_one_flight, misspelled_commands, command_without_its_end, line_that_is_too_long, in_clear, behind_auth_tls,
                    behind_rein, behind_the_reply_to_rein, behind_the_last_reply, in_clear_behind_the_last_reply):
            with self.subTest(way=way.__name__):
                self.assert_forgotten(way)


if __name__ == "__main__":
    unittest.main()
