"""Session keys: a signature is good for its key, its user, its connection and its time; nothing else passes for one."""
import contextlib
import os
import re
import signal
import socket
import unittest

from harness import PASSWORD, SCALE, EndToEndTest, SharedServerTest, scaled, until
from control_client import ENDED, Control, connect, logged_in
from faults import Faults
from raw_tls import TLS1_2, RawTlsContext, SigningKey, b64, session_signature

REFUSED = (530, "Login refused.")
WEAK = ["00" * 32, "01" + "00" * 31, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "ec" + "ff" * 30 + "7f", "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f"]


def bound(port, version=None):
    """A connection whose exporter can be asked."""
    return Control(port).start_tls(RawTlsContext(version) if version else RawTlsContext())


def enrol(port, key, user="alice", seconds=""):
    """The id of a new session key, as its user enrols it."""
    with logged_in(port, user) as control:
        answer = control.ask(f"SITE SESSION NEW {b64(key.public())} {seconds}".rstrip())
        return re.fullmatch(r"SESSION ([0-9a-f]{32}) EXPIRES \d+", answer.text)[1]


def present(control, session_id, signature, user="alice"):
    """The reply to a login with this signature."""
    if (first := control.ask(f"USER {user}")).code != 331:
        return first
    return control.ask(f"SITE AUTH SESSKEY1 {session_id} {b64(signature)}")


class TurnedOut(EndToEndTest):
    """A client that has to make room for others while `auth`, which is stopped, checks the login."""

    def setUp(self):
        site = self.make_site(max_unauthenticated=1)
        self.faults = Faults(site.directory)
        self.server = self.start(site, env=self.faults.environment)

    def turn_out(self, control):
        """The client's replies from when it is drawn by lot: the only one that was there and is not logged in."""
        with contextlib.ExitStack() as clients:
            def stays():
                unauthenticated = socket.create_connection(("127.0.0.1", self.server.port), scaled(5))
                clients.callback(unauthenticated.close)
                return unauthenticated.recv(100).startswith(b"220")
            until(stays, "an unauthenticated client for which this one had to go")
            os.kill(self.server.child("auth"), signal.SIGCONT)
            return list(iter(control.reply, ENDED))

    def check_told_why(self, reply):
        self.assertEqual(reply, (421, "Too many connections; try again later."))
        self.assertNotIn("max-sessions-per-user", self.server.log.text)

    def test_no_directory_is_acknowledged_that_was_not_synced(self):
        key = SigningKey()
        session_id = enrol(self.server.port, key)
        with bound(self.server.port) as control:
            signature = session_signature(key, control.into_socket().channel_binding(), session_id, "alice")
            control.log_in()
            self.faults.none("syncfs")
            os.kill(self.server.child("auth"), signal.SIGSTOP)
            # The reply to MKD waits for its sync, and that for a session key that is known to take no time.
            control.send_bytes(f"MKD unsynced\r\nUSER alice\r\nSITE AUTH SESSKEY1 {session_id} {b64(signature)}\r\n".encode())
            self.server.log.wait_for("event=directory-made .*unsynced")
            not_synced, user, last = self.turn_out(control)
        self.assertEqual((not_synced.code, user.code), (451, 331))
        self.assertIn("may not be on disk", not_synced.text)
        self.check_told_why(last)
        until(lambda: self.faults.matched > 0, "it is put on disk although nobody waits for it")

    def test_it_is_told_why_once(self):
        with connect(self.server.port) as control:
            os.kill(self.server.child("auth"), signal.SIGSTOP)
            control.send_bytes(f"USER alice\r\nPASS {PASSWORD}\r\n".encode())
            self.assertEqual(control.reply().code, 331)  # finished replies go out before a password is checked
            last, = self.turn_out(control)
        self.check_told_why(last)


class Signatures(SharedServerTest):
    users = ("alice", "bob", "carol")
    settings = {"durability": "none"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key, cls.bobs_key = SigningKey(), SigningKey()
        cls.id = enrol(cls.server.port, cls.key)
        cls.bobs_id = enrol(cls.server.port, cls.bobs_key, "bob")

    def sign(self, control, **other):
        """The good signature for this connection, or with something else in it."""
        return session_signature(other.get("key", self.key), other.get("binding") or control.into_socket().channel_binding(),
                                 other.get("id", self.id), other.get("user", "alice"))

    def test_the_good_one_logs_in(self):
        with bound(self.server.port) as control:
            self.assertEqual(present(control, self.id, self.sign(control)).code, 230)
            self.assertEqual(control.code("MKD by-key"), 257)

    def test_a_replayed_one_does_not(self):
        with bound(self.server.port) as control:
            overheard = self.sign(control)
            self.assertEqual(present(control, self.id, overheard).code, 230)
        with bound(self.server.port) as control:
            self.assertEqual(present(control, self.id, overheard), REFUSED)
            self.assertEqual(control.code("MKD replayed"), 530)
        with bound(self.server.port) as control:  # a new login on the same connection is the same connection
            signature = self.sign(control)
            self.assertEqual(present(control, self.id, signature).code, 230)
            self.assertEqual(present(control, self.id, signature).code, 230)

    def test_a_foreign_one_does_not(self):
        with bound(self.server.port) as control:  # bob's, presented as alice's
            self.assertEqual(present(control, self.bobs_id, self.sign(control, key=self.bobs_key, id=self.bobs_id)), REFUSED)
        with bound(self.server.port) as control:  # alice's key, signed and presented for bob
            self.assertEqual(present(control, self.id, self.sign(control, user="bob"), "bob"), REFUSED)
            self.assertEqual(present(control, self.id, self.sign(control), "bob"), REFUSED)
        with bound(self.server.port) as control:  # the right id with another key, and the right key with another id
            self.assertEqual(present(control, self.id, self.sign(control, key=SigningKey())), REFUSED)
            self.assertEqual(present(control, self.bobs_id, self.sign(control), "bob"), REFUSED)
        with bound(self.server.port) as control:  # nobody's
            self.assertEqual(present(control, "00" * 16, self.sign(control, id="00" * 16)), REFUSED)

    def test_one_with_anything_changed_does_not(self):
        for bit in (0, 255, 256, 511):
            with bound(self.server.port) as control:
                signature = bytearray(self.sign(control))
                signature[bit // 8] ^= 1 << bit % 8
                self.assertEqual(present(control, self.id, bytes(signature)), REFUSED)
        # S + L is another form of S: RFC 8032 §5.1.7 refuses it, or a reader of one signature could make a second one.
        order = 2**252 + 27742317777372353535851937790883648493
        with bound(self.server.port) as control:
            signature = self.sign(control)
            other = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
            self.assertEqual(present(control, self.id, other), REFUSED)
            self.assertEqual(present(control, self.id, bytes(64)), REFUSED)

    def test_a_truncated_or_malformed_one_is_a_syntax_error_and_no_refusal(self):
        with bound(self.server.port) as control:
            good = b64(self.sign(control))
            self.assertEqual(control.code("USER alice"), 331)
            for argument in ["", self.id, f"{self.id} ", f"{self.id} {good[:-1]}", f"{self.id} {good[:-2]}", f"{self.id} {good}=", f"{self.id} {good}A",
                             f"{self.id} {good[:43]}", f"{self.id[:-1]} {good}", f"{self.id[:-2]} {good}", f"{self.id}00 {good}", f"{self.id.upper()} {good}",
                             f"{self.id}  {good}", f"{self.id} {good} x", f"{self.id} {good[:85]}\n", f"{self.id} {good[:85]}%", f" {self.id} {good}",
                             f"{self.id} " + "A" * 8000]:
                self.assertEqual(control.code(f"SITE AUTH SESSKEY1 {argument}"), 501, argument[:60])
            self.assertEqual(control.code(f"SITE AUTH SESSKEY1 {self.id} {good}"), 230, "three refusals would have ended it")

    def test_over_tls_1_2_none_is_taken(self):
        # Its exporter is not bound to the whole handshake without an extension (triple handshake, CVE-2014-1295).
        with bound(self.server.port, TLS1_2) as control:
            self.assertEqual(present(control, self.id, self.sign(control)).code, 534)
            self.assertEqual(control.code("MKD x"), 530)

    def test_session_commands_before_a_login_do_nothing(self):
        for prepare in ([], ["USER alice"], ["USER alice", "PASS wrong"]):
            with connect(self.server.port) as control:
                for line in prepare:
                    control.ask(line)
                for line in (f"SITE SESSION NEW {b64(SigningKey().public())}", f"SITE SESSION NEW {b64(SigningKey().public())} 60", "SITE SESSION LIST",
                             "SITE SESSION END", f"SITE SESSION END {self.id}", "SITE SESSION NEW", "SITE SESSION X"):
                    self.assertEqual(control.code(line), 530, line)
        with logged_in(self.server.port) as control:
            self.assertIn(self.id, control.ask("SITE SESSION LIST").text)

    def test_nobody_ends_or_lists_the_keys_of_another(self):
        with logged_in(self.server.port, "bob") as control:
            self.assertNotIn(self.id, control.ask("SITE SESSION LIST").text)
            self.assertEqual(control.code(f"SITE SESSION END {self.id}"), 550)
        with bound(self.server.port) as control:
            self.assertEqual(present(control, self.id, self.sign(control)).code, 230, "it still holds")
            self.assertEqual(control.code(f"SITE SESSION NEW {b64(SigningKey().public())}"), 503, "a key does not beget keys")

    def test_a_key_of_small_order_cannot_be_enrolled(self):
        # With one, R = S * B fits every text: anybody could log in who knows the id.
        with logged_in(self.server.port, "carol") as control:
            for encoded in WEAK:
                for sign in (0, 0x80):
                    key = bytearray.fromhex(encoded)
                    key[31] |= sign
                    self.assertEqual(control.code(f"SITE SESSION NEW {b64(bytes(key))}"), 501, encoded)
            self.assertEqual(control.code(f"SITE SESSION NEW {b64(SigningKey().public())}"), 200, "that was no attempt")

    def test_a_thirty_third_key_ends_the_oldest_and_no_other_users(self):
        first = enrol(self.server.port, SigningKey(), "carol")
        for _ in range(32):
            last = enrol(self.server.port, SigningKey(), "carol")
        with logged_in(self.server.port, "carol") as control:
            listed = control.ask("SITE SESSION LIST").text
        self.assertEqual(listed.count("CREATED"), 32)
        self.assertNotIn(first, listed)
        self.assertIn(last, listed)
        with logged_in(self.server.port, "bob") as control:
            self.assertIn(self.bobs_id, control.ask("SITE SESSION LIST").text)


class Ends(EndToEndTest):
    def attempt(self, server, key, session_id, user="alice"):
        with bound(server.port) as control:
            return present(control, session_id, session_signature(key, control.into_socket().channel_binding(), session_id, user), user)

    def test_an_expired_key_is_refused_and_cannot_be_prolonged(self):
        server = self.serve()
        key = SigningKey()
        seconds = max(1, round(SCALE))
        session_id = enrol(server.port, key, seconds=str(seconds))
        until(lambda: self.attempt(server, key, session_id) == REFUSED, "the key expires", seconds + 5)
        with logged_in(server.port) as control:
            self.assertNotIn(session_id, control.ask("SITE SESSION LIST").text)
            answer = control.ask(f"SITE SESSION NEW {b64(key.public())} 4294967295").text
            created, expires = re.search(r"CREATED (\d+) EXPIRES (\d+)", control.ask("SITE SESSION LIST").text).groups()
            self.assertLessEqual(int(expires) - int(created), 7 * 86400, "session-ttl is the most")
            self.assertIn(expires, answer)

    def test_a_key_from_before_a_change_of_the_user_is_refused(self):
        server = self.serve(users=("alice", "bob"))
        for words, password in [(("lock", "alice"), None), (("unlock", "alice"), None), (("passwd", "alice", "--password-stdin"), PASSWORD)]:
            key = SigningKey()
            if words[0] == "lock" or password:
                session_id = enrol(server.port, key)
                self.assertEqual(self.attempt(server, key, session_id).code, 230)
            else:
                key, session_id = previous
            server.site.ftpcd("user", *words, input=password and password + "\n").check_returncode()
            until(lambda: self.attempt(server, key, session_id) == REFUSED, f"{words} ends the key")  # noqa: B023
            previous = key, session_id
        key = SigningKey()
        session_id = enrol(server.port, key)
        server.site.ftpcd("user", "del", "alice").check_returncode()
        until(lambda: self.attempt(server, key, session_id) == REFUSED, "del ends the key")
        server.site.add_user("alice")
        until(lambda: "alice" in server.site.ftpcd("user", "list").stdout, "alice is there again")
        self.assertEqual(self.attempt(server, key, session_id), REFUSED, "another alice")

    def test_a_weak_key_in_a_tampered_sessions_db_lets_nobody_in(self):
        server = self.serve()
        site, key = server.site, SigningKey()
        session_id = enrol(server.port, key)
        self.assertEqual(server.stop(), 0)
        path = site.data / "sessions.db"
        status, text = path.stat(), path.read_text(encoding="utf-8")
        neutral = b"\1" + bytes(31)
        path.write_text(text.replace(b64(key.public()), b64(neutral)), encoding="utf-8")
        os.chmod(path, status.st_mode & 0o777)
        server = self.start(site)
        with bound(server.port) as control:
            self.assertEqual(present(control, session_id, neutral + bytes(32)), REFUSED)


if __name__ == "__main__":
    unittest.main()
