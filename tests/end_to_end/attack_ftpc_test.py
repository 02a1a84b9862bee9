"""A malicious server can waste the --timeout of ftpc, and nothing else."""
import base64
import concurrent.futures
import contextlib
import functools
import re
import resource
import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest

from harness import FTPC, IS_ROOT, SCALE, EndToEndTest, scaled
from ftpc_client import FtpcUser
from relays import Relay

REALM = "0" * 32
ID = "ab" * 16
TIMEOUT = max(1, round(SCALE))  # seconds, of ftpc
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[1;1H\x9b5m\u202egnol\u2066\u200b \x08\x08\x08\x7f"
FOREVER = object()  # in the place of a reply: nothing more, and no end


def server_hello(session_id, key_share):
    """A record with a ServerHello of TLS 1.3 (RFC 8446 §4.1.3)."""
    extensions = struct.pack(">HHH", 43, 2, 0x0304) + struct.pack(">HHHH", 51, 4 + len(key_share), 29, len(key_share)) + key_share
    body = b"\x03\x03" + bytes(32) + bytes([len(session_id)]) + session_id + b"\x13\x01\x00" + struct.pack(">H", len(extensions)) + extensions
    message = b"\x02" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x03" + struct.pack(">H", len(message)) + message


class Script(Relay):
    """Speaks as ftpcd does, unless a test gives it other words.

    `answers` gives the reply for the first word or two of a command. It is bytes, text that gets its line end, or
    FOREVER. Of a list a piece goes out each 50 ms without end.
    """

    def __init__(self, certificate, answers, greeting="220 ready"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.answers, self.greeting, self.commands = answers, greeting, []
        self.key_share = None  # of X25519: another than TLS would have
        self.default = {"FEAT": f"211-Features:\r\n SITE REALM {REALM}\r\n211 End", "USER": "331 go on", "SITE AUTH": "230 in",
                        "SITE SESSION": f"200 SESSION {ID} EXPIRES {int(time.time()) + 86400}", "QUIT": "221 bye", "AUTH": "234 now"}
        super().__init__(0)

    def serve(self, client):
        client.settimeout(scaled(20))
        with contextlib.suppress(OSError):  # the client has had enough
            self.say(client, self.greeting)
            received = b""
            while b"\r\n" not in received:
                received += client.recv(1000)
            self.say(client, self.answers.get("AUTH", self.default["AUTH"]))
            if self.key_share is not None:
                hello = client.recv(1000)
                client.sendall(server_hello(hello[44:44 + hello[43]], self.key_share))
                client.recv(1000)
                return
            with self.context.wrap_socket(client, server_side=True) as inside:
                self.converse(inside)

    def converse(self, inside):
        received = b""
        while got := inside.recv(65536):
            received += got
            while b"\r\n" in received:
                line, received = received.split(b"\r\n", 1)
                self.commands.append(line.decode(errors="replace"))
                words = self.commands[-1].split(" ")
                answer = next((self.answers[key] for key in (" ".join(words[:2]), words[0]) if key in self.answers), None)
                if answer is None:
                    answer = self.default.get(" ".join(words[:2]), self.default.get(words[0]))
                if answer is None:  # MKD, SITE MKDIR
                    answer = f'257 "{words[-1]}" created.'
                self.say(inside, answer(words) if callable(answer) else answer)

    @staticmethod
    def say(stream, answer):
        if answer is FOREVER:
            threading.Event().wait(scaled(20))
        elif isinstance(answer, list):
            while True:
                for piece in answer:
                    stream.sendall(piece)
                    time.sleep(0.05)
        elif isinstance(answer, bytes):
            for start in range(0, len(answer), 65536):
                stream.sendall(answer[start:start + 65536])
        else:
            stream.sendall(answer.encode() + b"\r\n")


def listing(*names, path="/", code=250, end="End"):
    """One reply to SITE MLSD that lists directories of these names in `path`."""
    lines = [f'{code}-"{path}"', f" type=dir; {path}", *(f" type=dir; {name}" for name in names), f"{code} {end}"]
    return "\r\n".join(lines)


class MaliciousServer(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # One key for all of them, so that each is the server that the client knows.
        cls.pem = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout",
                                  "-", "-out", "-"], check=True, capture_output=True).stdout

    def setUp(self):
        directory = self.make_directory()
        self.certificate = directory / "server.pem"
        self.certificate.write_bytes(self.pem)
        self.user = FtpcUser(self.make_directory())
        self.server = None  # that self.user is logged in at

    def against(self, answers=None, greeting="220 ready"):
        server = Script(self.certificate, answers or {}, greeting)
        self.addCleanup(server.close)
        return server

    def log_in(self, answers=None, greeting="220 ready", seconds=TIMEOUT, user=None):
        return (user or self.user).log_in(self.against(answers, greeting), "--timeout", str(seconds))

    def logged_in_server(self, user):
        server = self.against()
        self.assertEqual(user.log_in(server).returncode, 0)
        return server

    def mkdir(self, answers, *paths, flags=(), user=None):
        """ftpc at a server that has turned bad after the login."""
        if user is None and self.server is None:
            self.server = self.logged_in_server(self.user)
        server = self.server if user is None else self.logged_in_server(user)
        server.answers = answers
        return (user or self.user).ftpc("mkdir", "--server", server.address, "--timeout", str(TIMEOUT), *flags, "--", *(paths or ("inbox",)))

    def list_at(self, answer, *words, user=None):
        """ftpc ls, or another command for listings, at a server that answers SITE MLSD so."""
        server = self.against()
        self.assertEqual((user or self.user).log_in(server).returncode, 0)
        server.answers = {"SITE MLSD": answer}
        return (user or self.user).ftpc(*(words or ("ls",)), "--timeout", str(TIMEOUT))

    def assert_harmless(self, done):
        for text in (done.stdout, done.stderr):
            self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff]")

    def test_this_script_is_a_server_that_works(self):
        done = self.mkdir({}, "inbox", "b")
        self.assertEqual((done.returncode, done.stdout), (0, "/inbox\n/b\n"), done.stderr)

    def test_terminal_escapes_are_shown_escaped_wherever_they_stand(self):
        # CVE-2019-6109, CVE-2019-6110.
        for answers, greeting in [({}, f"421 {ESCAPES}"), ({}, ESCAPES), ({}, f"220-{ESCAPES}\r\n500 {ESCAPES}"), ({"AUTH": f"500 {ESCAPES}"}, "220 x"),
                                  ({"FEAT": f"500 {ESCAPES}"}, "220 x"), ({"FEAT": f"211-x\r\n SITE REALM {ESCAPES}\r\n211 End"}, "220 x"),
                                  ({"FEAT": ESCAPES}, "220 x"), ({"USER": f"500 {ESCAPES}"}, "220 x"), ({"USER": f"421 {ESCAPES}"}, "220 x"),
                                  ({"SITE AUTH": f"530 {ESCAPES}"}, "220 x"), ({"SITE AUTH": f"535-{ESCAPES}\r\n {ESCAPES}\r\n535 {ESCAPES}"}, "220 x"),
                                  ({"SITE SESSION": f"200 SESSION {ESCAPES} EXPIRES 1"}, "220 x"), ({"SITE SESSION": f"451 {ESCAPES}"}, "220 x")]:
            with self.subTest(answers=answers, greeting=greeting):
                done = self.log_in(answers, greeting)
                self.assertNotEqual(done.returncode, 0)
                self.assert_harmless(done)
        for reply in (f"550 {ESCAPES}", f"521 {ESCAPES}", f'257 "{ESCAPES}" created.', f"250 {ESCAPES}", f"550-{ESCAPES}\r\n550 {ESCAPES}", f"421 {ESCAPES}",
                      ESCAPES, f"999 {ESCAPES}"):
            for flags in ((), ("--json",), ("-p",)):
                done = self.mkdir({"MKD": reply, "SITE MKDIR": reply}, flags=flags)
                self.assert_harmless(done)
                self.assertNotEqual(done.returncode, 0 if "-p" not in flags else None, reply)

    def test_another_directory_than_was_asked_for_is_a_failure_and_not_printed_as_made(self):
        # CVE-2019-6111: a server that chooses the names.
        for reply in ('257 "/etc/cron.d/x" created.', '257 "/inbox/../x" created.', '257 "inbox" created.', '257 "/inbox\nb" created.', '257 "" created.',
                      '257 "/inbox""" created.', '257 "/Inbox" created.'):
            done = self.mkdir({"MKD": reply})
            self.assertNotEqual(done.returncode, 0, reply)
            self.assertEqual(done.stdout, "", reply)
        done = self.mkdir({"MKD": lambda words: '257 "/b" created.' if words[1] == "/a" else '257 "/a" created.'}, "a", "b")
        self.assertEqual((done.returncode, done.stdout), (1, ""), "answers in another order")

    def test_replies_of_transfers_and_of_nothing_lead_to_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as victim:
            port = victim.getsockname()[1]
            for reply in (f"227 Entering Passive Mode (127,0,0,1,{port >> 8},{port & 255}).", f"229 Entering Extended Passive Mode (|||{port}|)", "150 Opening",
                          "125 Open", "110 MARK 1 = 2", "300 hm", "332 Need account", "350 more", "000 x", "999 x", "099 x", "257", "2577 x", "25 x", "-1 x", "",
                          "257-", '257"/inbox"', "HTTP/1.1 200 OK", "\0", "257\0"):
                with self.subTest(reply=reply):
                    self.assertNotEqual(self.log_in({"FEAT": reply}).returncode, 0)
                    self.assertNotEqual(self.log_in({"SITE AUTH": reply}).returncode, 0)
                    if reply != "257":
                        done = self.mkdir({"MKD": reply})
                        self.assertNotEqual(done.returncode, 0)
                        self.assertEqual(done.stdout, "")
            victim.settimeout(0)
            with self.assertRaises(BlockingIOError):
                victim.accept()
        done = self.mkdir({"USER": "331 go on\r\n230 in\r\n" + '257 "/inbox" created.\r\n' * 5 + "221 bye"})
        self.assertNotEqual((done.returncode, done.stdout), (0, "/inbox\n" * 5), "replies ahead of their commands are no more than one each")

    def test_replies_without_end_are_given_up_at_a_bounded_size(self):
        if SCALE == 1:  # the sanitizers want a great deal of address space
            self.user.ftpc = functools.partial(self.user.ftpc, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (160 << 20, 160 << 20)))
        lines, line, junk = b"250-x\r\n" * (4 << 20), b"250 " + b"x" * (32 << 20), b"\xff" * (32 << 20)
        for answers, greeting in [({}, lines), ({}, line), ({}, junk), ({"FEAT": lines}, "220 x"), ({"FEAT": line}, "220 x"), ({"USER": lines}, "220 x"),
                                  ({"SITE AUTH": junk}, "220 x"), ({"AUTH": lines}, "220 x")]:
            done = self.log_in(answers, greeting, seconds=20)
            self.assertIn(done.returncode, (3, 4), done.stderr)
            self.assertLess(len(done.stderr), 1000)
        for answer in (lines, line, junk, b"257 \"/inbox\"\r\n" * (1 << 20), b"421 x\r\n" * (1 << 20)):
            done = self.mkdir({"MKD": answer})
            self.assertLess(len(done.stderr) + len(done.stdout), 1000)
        for answer in (lines, line, junk):
            done = self.list_at(answer)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertLess(len(done.stderr) + len(done.stdout), 1000)

    def test_a_reply_that_drips_is_given_up_after_the_timeout(self):
        bytewise, linewise = [b"2", b"2", b"0", b"-"] + [b"x"] * 1000, [b"211-x\r\n"] + [b" and so on\r\n"] * 1000
        cases = [("greeting", self.log_in, (None, bytewise)), ("greeting in lines", self.log_in, (None, linewise)), ("234", self.log_in, ({"AUTH": bytewise},)),
                 ("FEAT", self.log_in, ({"FEAT": linewise},)), ("FEAT byte by byte", self.log_in, ({"FEAT": bytewise},)),
                 ("USER", self.log_in, ({"USER": linewise},)), ("MKD", self.mkdir, ({"MKD": linewise},)), ("QUIT", self.mkdir, ({"QUIT": linewise},)),
                 ("silence", self.mkdir, ({"MKD": FOREVER},)), ("SITE MLSD", self.list_at, ([b"150-x\r\n type=dir; /\r\n"] + [b" type=dir; a\r\n"] * 1000,))]
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:  # each waits, most of the time
            running = [(what, pool.submit(act, *arguments, user=FtpcUser(self.make_directory()))) for what, act, arguments in cases]
            for what, done in running:
                with self.subTest(what=what):
                    self.assertEqual(done.result(scaled(20)).returncode, 4, done.result().stderr)  # a server that goes on for 20 s was not waited for
                    self.assertIn("no answer", done.result().stderr)

    def test_names_in_a_listing_are_shown_escaped_or_refused(self):
        # CVE-2019-6109.
        for words in (["ls"], ["ls", "-l"], ["tree"], ["ls", "--json"], ["tree", "--json"]):
            with self.subTest(words=words):
                done = self.list_at(listing("a\u202egnol\u2066\u200b\U000e0041", end="End; \u202e names \x1b[2J"), *words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assert_harmless(done)
                for answer in (listing(ESCAPES), listing(path=f"/{ESCAPES}"), f"550 {ESCAPES}", f"504 {ESCAPES}", f"421 {ESCAPES}", f"150 {ESCAPES}"):
                    done = self.list_at(answer, *words)
                    self.assertIn(done.returncode, (1, 4))
                    self.assert_harmless(done)

    def test_a_name_gives_the_terminal_no_colour_of_its_own(self):
        done = self.list_at(listing("\u202e\u200b"), "ls", "--color", "always")
        self.assertEqual(done.stdout, "\x1b[1;34m\\xe2\\x80\\xae\\xe2\\x80\\x8b\x1b[0m/\n")

    def test_entries_that_were_not_asked_for_are_not_shown(self):
        # CVE-2019-6111.
        for name in ("..", ".", "/etc", "../etc", "a/../..", "a//b", "a/b/c", "b/a", ""):
            for words in (["ls"], ["tree", "-L", "2"], ["tree", "--json", "-L", "2"]):
                with self.subTest(name=name, words=words):
                    done = self.list_at(listing("a", "a/b" if words[0] == "tree" else "c", name), *words)
                    self.assertEqual(done.returncode, 4)
                    self.assertNotIn('"path"', done.stdout)
                    self.assertIn("does not keep to the protocol", done.stdout if "--json" in words else done.stderr)

    def test_parts_of_a_listing_that_bring_nothing_do_not_keep_ftpc(self):
        part = b'150-"/"\r\n150 More follows.\r\n'
        for answer in ([part], [listing(code=150).encode() + b"\r\n"] + [part] * 1000, [b"150 More follows.\r\n"]):
            self.assertEqual(self.list_at(answer).returncode, 4)

    def test_preliminary_replies_to_other_commands_are_no_answer(self):
        for answers in ({"USER": "150 a\r\n331 b"}, {"SITE AUTH": "150 a\r\n230 b"}, {"SITE SESSION": "150 a"}, {"FEAT": "150 a\r\n211 b"}):
            self.assertNotEqual(self.log_in(answers).returncode, 0)
        self.assertEqual(self.mkdir({"MKD": '150 a\r\n257 "/inbox"'}).returncode, 1)

    @staticmethod
    def after(seconds, answer):
        """An answer for which the server takes its time."""
        def late(_):
            time.sleep(seconds)
            return answer
        return late

    def test_answers_that_each_come_in_time_have_the_timeout_together(self):
        slow = TIMEOUT * 0.4
        done = self.log_in({"FEAT": self.after(slow, f"211-x\r\n SITE REALM {REALM}\r\n211 End"), "USER": self.after(slow, "331 go on"),
                            "SITE AUTH": self.after(slow, "230 in"), "SITE SESSION": self.after(slow, f"200 SESSION {ID} EXPIRES 9999999999")})
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertIn("no answer", done.stderr)

    def test_each_path_of_a_list_has_the_timeout_of_its_own(self):
        done = self.mkdir({"MKD": lambda words: self.after(TIMEOUT * 0.4, f'257 "{words[1]}" created.')(words)}, "a", "b", "c", "d")
        self.assertEqual((done.returncode, done.stdout), (0, "/a\n/b\n/c\n/d\n"), done.stderr)

    @unittest.skipUnless(IS_ROOT, "a name server of its own needs root")
    def test_a_name_server_that_is_silent_is_given_up_after_the_timeout(self):
        resolver = self.make_directory() / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.53\n")
        silent = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.53', 53)); print(flush=True); sys.stdin.read()"
        inside = ('ip link set lo up && mount --bind "$0" /etc/resolv.conf || exit 99; exec 3>&1; mkfifo "$0.up" "$0.end"; '
                  'python3 -c "$1" <"$0.end" >"$0.up" & exec 4>"$0.end"; read -r _ <"$0.up"; shift; "$@"; status=$?; exec 4>&-; wait; exit $status')
        begin = time.monotonic()
        done = subprocess.run(["unshare", "--mount", "--net", "sh", "-c", inside, str(resolver), silent, FTPC, "login", "alice@files.example.org", "--accept-new",
                               "--password-stdin", "--timeout", str(TIMEOUT)], input=b"x\n", env=self.user.environment, capture_output=True, check=False,
                              timeout=scaled(30))
        if done.returncode == 99:
            self.skipTest("no namespaces here")
        self.assertEqual((done.returncode, done.stderr.decode()), (4, "ftpc: cannot find files.example.org: no answer of the name service in time\n"))
        self.assertLess(time.monotonic() - begin, TIMEOUT + scaled(4), "the resolver itself waits for 10 s")

    def test_a_failure_of_the_cryptography_can_be_looked_up(self):
        self.server = self.logged_in_server(self.user)
        self.server.key_share = bytes(32)  # a point of small order, which has no secret
        done = self.mkdir({})
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn(f"no TLS with {self.server.address}: ", done.stderr)
        code = re.search("error:([0-9A-F]{8}):", done.stderr)[1]
        looked_up = subprocess.run(["openssl", "errstr", code], capture_output=True, text=True, check=True).stdout
        self.assertIn("failed during derivation", looked_up)

    def test_numbers_and_names_that_a_server_makes_up(self):
        for session in (f"{ID} EXPIRES 9223372036854775807", f"{ID} EXPIRES 9223372036854775808", f"{ID} EXPIRES -1", f"{ID} EXPIRES 0",
                        f"{ID} EXPIRES 1e9", f"{ID} EXPIRES 67768036191676799", f"{'zz' * 16} EXPIRES 9999999999", f"{ID}{ID} EXPIRES 9999999999", "EXPIRES", ""):
            done = self.log_in({"SITE SESSION": f"200 SESSION {session}"})
            self.assertIn(done.returncode, (0, 4), session)
            self.assert_harmless(done)
            status = self.user.ftpc("status")
            self.assertIn(status.returncode, (0, 3, 4))
        for realm in ("", "x" * 65, "a b", "a/b", "../x", "%n", "\0"):
            server = self.against({"FEAT": f"211-x\r\n SITE REALM {realm}\r\n211 End"})
            self.assertNotEqual(self.user.log_in(server).returncode, 0, realm)
            self.assertNotIn("SITE AUTH", " ".join(server.commands), "nothing secret for a realm that is none")

    def test_the_password_never_reaches_a_server_in_any_form_but_the_hash(self):
        server = self.against({"USER": "230 no password needed", "SITE AUTH": "331 send PASS"})
        done = self.user.log_in(server, password="do-not-send-this")
        self.assertNotEqual(done.returncode, 0)
        said = "\n".join(server.commands)
        for form in (b"do-not-send-this",):
            self.assertNotIn(form.decode(), said)
            self.assertNotIn(base64.b64encode(form).decode().rstrip("="), said)
            self.assertNotIn(form.hex(), said)
        self.assertNotIn("PASS ", said)


if __name__ == "__main__":
    unittest.main()
