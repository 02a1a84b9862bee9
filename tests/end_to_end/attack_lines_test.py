"""Lines as attackers send them, in clear and inside TLS: bounded memory, bounded time, nobody else is held up."""
import contextlib
import socket
import threading
import time
import unittest

from harness import PASSWORD, SharedServerTest, children_of, cpu_seconds, directories_in, resident_bytes, scaled, until
from control_client import ENDED, Control, Reply, connect, logged_in


def send_and_count(control, data):
    """Sends all of `data` while replies are read; how often each code came, until the connection ends or is closed."""
    control.send_while_reading(data)
    codes = {}
    while (code := control.reply().code) not in (0, 221):
        codes[code] = codes.get(code, 0) + 1
    return codes


class Lines(SharedServerTest):
    settings = {"durability": "none"}

    def setUp(self):
        self.home = self.server.site.root / "alice"
        self.net = self.server.child("net")
        self.other = logged_in(self.server.port)
        self.addCleanup(self.other.close)
        self.before = directories_in(self.home)

    def tearDown(self):
        self.assertEqual(self.server.child("net"), self.net, self.server.log.text)
        self.assertEqual(self.other.code("NOOP"), 200)

    def both_ways(self):
        """A connection in clear and one inside TLS and logged in."""
        for make in (Control, logged_in):
            with self.subTest(make=make.__name__), make(self.server.port) as control:
                yield control

    def test_a_mebibyte_without_a_line_end_ends_the_connection(self):
        # In one and in another form: a loop without end over it was CVE-2019-18217.
        before = resident_bytes(self.net)
        for filler in (b"A", b"MKD ", b"\r", b"\n", b"\0", b"\xff", b'"', b"\\", b"../"):
            for control in self.both_ways():
                began = cpu_seconds(self.net)
                with contextlib.suppress(OSError):
                    control.send_bytes((filler * (1 << 20))[:1 << 20])
                self.assertIn(control.reply().code, (421, ENDED.code), filler)
                self.assertTrue(control.ended())
                self.assertLess(cpu_seconds(self.net) - began, scaled(1))
        self.assertLess(resident_bytes(self.net) - before, 16 << 20)
        self.assertEqual(directories_in(self.home), self.before)

    def test_a_million_empty_lines(self):
        before = resident_bytes(self.net)
        highest, worst = before, 0.0
        done, served = threading.Event(), threading.Event()

        def watch():
            nonlocal highest, worst
            with logged_in(self.server.port) as friend:
                while not done.is_set():
                    began = time.monotonic()
                    self.assertEqual(friend.code("NOOP"), 200)
                    worst = max(worst, time.monotonic() - began)
                    highest = max(highest, resident_bytes(self.net))
            served.set()
        watcher = threading.Thread(target=watch)
        watcher.start()
        with Control(self.server.port) as control:
            control.wait_at_most(30)
            codes = send_and_count(control, b"\r\n" * 1_000_000 + b"QUIT\r\n")
        done.set()
        watcher.join()
        self.assertTrue(served.is_set(), "another session is served to the end")
        # Each has its answer, unless the server has had enough of them before.
        self.assertLessEqual(set(codes), {500, 421})
        self.assertTrue(codes.get(500) == 1_000_000 or 421 in codes, codes)
        self.assertLess(highest - before, 16 << 20)
        self.assertLess(worst, scaled(2), "another session waits for its answer")

    def test_a_hundred_thousand_empty_lines_inside_tls(self):
        before = resident_bytes(self.net)
        with connect(self.server.port) as control:
            control.wait_at_most(30)
            # OpenSSL is not for two threads at once: in pieces that the buffers between the two hold with their answers.
            answered = 0
            for _ in range(200):
                control.send_bytes(b"\r\n" * 500)
                for _ in range(500):
                    code = control.reply().code
                    self.assertIn(code, (500, 421, 0))
                    answered += 1
                    if code != 500:
                        break
                if code != 500:
                    break
        self.assertGreater(answered, 0)
        self.assertLess(resident_bytes(self.net) - before, 8 << 20)

    def test_telnet_commands_mean_nothing_and_do_no_harm(self):
        # An escape of them past the end of a buffer was CVE-2010-4221.
        self.assertEqual([reply.code for reply in self.other.pipeline([b"\xff" * 4000, b"\xff\xff" * 4096, b"\xff" * 8192])], [500] * 3)
        self.assertEqual(self.other.code(b"\xff" * 8193), 500)
        for line, code in ((b"\xff\xf4\xff\xf2ABOR", 225), (b"\xff\xf2STAT", 211), (b"\xff\xfb\x01NOOP", 200), (b"\xff\xf4" * 4000 + b"NOOP", 200)):
            self.assertEqual(self.other.code(line), code, line)
        for line in (b"NOOP\xff", b"\xff\xff" * 100 + b"NOOP", b"\xff\xf4" * 4000, b"\xff\xfb"):
            self.assertEqual(self.other.code(line), 500, line)
        for line in (b"MKD " + b"\xff" * 4000, b"MKD a\xff\xffb", b"SITE MKDIR \xff\xf9", b"CWD \xff\xf0"):
            self.assertEqual(self.other.code(line), 501, line)
        for control in self.both_ways():
            control.send_bytes(b"\xff" * 50_000 + b"\r\n")
            self.assertEqual(control.reply().code, 500)

    def test_urgent_data_does_no_harm(self):
        with Control(self.server.port) as control:
            plain = control.into_socket()
            began = cpu_seconds(self.net)
            for _ in range(200):
                plain.send(b"\xff\xf4\xf2", socket.MSG_OOB)
            plain.sendall(b"\r\nNOOP\r\n")
            self.assertEqual(control.reply().code, 500)
            self.assertEqual(control.reply().code, 200)
            began_waiting = time.monotonic()
            until(lambda: time.monotonic() - began_waiting > 0.5, "half a second of nothing", 5)
            self.assertLess(cpu_seconds(self.net) - began, scaled(0.3), "it does not spin on the urgent byte")

    def test_quotes_and_backslashes_without_a_partner(self):
        # A quote or backslash at the end was read past (CVE-2023-51713).
        for line in ['"', '""', '"MKD x"', 'MKD"x"', '\\', '\\"', '"MKD', "'", "`", '"' * 8192, '\\' * 8191]:
            self.assertEqual(self.other.code(line), 500, line)
        for name in ['"open', 'open"', 'a\\', '\\"', '"\\', "'", '""a', '"a""']:
            self.assertEqual(self.other.code(f"MKD {name}"), 257, name)
            self.assertIn(name, directories_in(self.home))
        for line in ['PASS "', 'USER "', 'SITE "MKDIR x', 'SITE MKDIR"x', 'OPTS "UTF8" ON', 'CWD "', 'TYPE "A"', 'SITE SESSION "']:
            self.assertGreaterEqual(self.other.code(line) % 1000, 331, line)

    def test_opts_and_site_without_an_argument_or_with_junk(self):
        junk = ["\0", "\x01\x02", "%n%s%x", "UTF8 UTF8", "x" * 8000, '"', "\\", "  ", "-", "utf8 on on", "MLST ; ;"]
        for line in ["OPTS", "OPTS ", "SITE", "SITE "] + [f"OPTS {word}" for word in junk]:
            self.assertEqual(self.other.code(line), 501, line[:40])
        self.assertEqual(self.other.ask("OPTS MLST " + ";%n" * 2000), Reply(200, "MLST OPTS"))
        for line in [f"SITE {word}" for word in junk] + ["SITE EXEC %p%p%n", "SITE EXEC ../../bin/sh -c id", "SITE CPFR /etc/passwd", "SITE CPTO x",
                     "SITE NEWER 19990101 /", "SITE CHMOD 4777 .", "SITE UMASK 0", "SITE IDLE 999999", "SITE ZIPCHK ;id;", "SITE INDEX x", "SITE PSWD a b",
                     "SITE SYMLINK a b", "SITE UTIME x", "SITE CHGRP 0 x", "SITE GROUP root", "SITE GPASS x"]:
            self.assertIn(self.other.code(line), (501, 504), line[:40])
        for line in ["SITE MKDIR", "SITE MKDIR ", "SITE MKDIR \0", "SITE SESSION", "SITE SESSION ", "SITE SESSION \0", "SITE SESSION NEW", "SITE SESSION END x",
                     "SITE SESSION LIST x", "SITE SESSION NEW " + "A" * 8000]:
            self.assertEqual(self.other.code(line), 501, line[:40])
        for line in ["SITE AUTH", "SITE AUTH ", "SITE AUTH \0", "SITE AUTH PLAIN x"]:
            self.assertEqual(self.other.code(line), 504, line)

    def test_patterns_cost_nothing(self):
        # Nested ones kept vsftpd busy (CVE-2011-0762), a lone one brought wu-ftpd down (CVE-2001-0550).
        began = cpu_seconds(self.net)
        for pattern in ("{" * 4000, "*/../" * 1500, "{{*},{{*},{{*},{{*}}}}}", "~{", "*" * 8000, "[" * 8000, "/../*" * 1000):
            self.assertIn(self.other.code(f"STAT {pattern}"), (211, 212, 213, 502, 550, 553))
            self.assertEqual(self.other.code(f"NLST {pattern}"), 521)
            self.assertIn(self.other.code(f"CWD {pattern}"), (250, 550, 553))
        self.assertLess(cpu_seconds(self.net) - began, scaled(1))

    def test_format_strings_are_text_in_every_command(self):
        # SITE EXEC and the title of the process in wu-ftpd (CVE-2000-0573).
        for line in ["%s%s%s%n", "USER %n%n%s", "PASS %n%n%s", "CWD %n%s", "HELP %n%s", "STAT %n", "NOOP %n%s", "ALLO %n", "TYPE %n", "AUTH %n", "PBSZ %n",
                     "PROT %s%n", "OPTS %n", "SITE %n%s", "REST %n"]:
            with connect(self.server.port) as control:
                reply = control.ask(line)
                self.assertGreater(reply.code, 0, line)
                self.assertNotIn("%", reply.text)

    def test_passwords_of_any_size(self):
        for make in (connect, Control):
            with make(self.server.port) as control:
                control.send("USER alice")
                self.assertIn(control.reply().code, (331, 534))
                with contextlib.suppress(OSError):
                    control.send(b"PASS " + b"p" * (1 << 20))
                self.assertIn(control.reply().code, (421, ENDED.code))
        before = resident_bytes(self.net)
        for size in (0, 1023, 1024, 1025, 8186, 8187, 8188, 60_000):
            with connect(self.server.port) as control:
                self.assertEqual(control.code("USER alice"), 331)
                self.assertEqual(control.code(b"PASS " + b"\xc3\xa9" * (size // 2) + b"x" * (size % 2)), 530 if size <= 8187 else 500, size)
        self.assertLess(resident_bytes(self.net) - before, 8 << 20)

    def test_a_login_is_made_of_user_and_then_pass(self):
        def codes(*lines):
            with connect(self.server.port) as control:
                return [reply.code for reply in control.pipeline(lines)]
        self.assertEqual(codes(f"PASS {PASSWORD}", "MKD a"), [503, 530])
        self.assertEqual(codes("USER", "PASS x", "MKD a"), [501, 503, 530])
        self.assertEqual(codes("USER ", f"PASS {PASSWORD}", "MKD a"), [501, 503, 530])
        self.assertEqual(codes("USER alice", "USER ", f"PASS {PASSWORD}", "MKD a"), [331, 501, 503, 530])
        self.assertEqual(codes("USER alice", f"PASS {PASSWORD}", "USER", "MKD a"), [331, 230, 501, 530])
        # Commands between the two change nothing (CWD ~root there was CVE-1999-0082).
        self.assertEqual(codes("USER alice", "CWD ~root", "MKD b", f"PASS {PASSWORD}", "PWD"), [331, 530, 530, 230, 257])
        self.assertEqual(codes("USER alice", f"PASS {PASSWORD}", f"PASS {PASSWORD}", "MKD c"), [331, 230, 503, 257])

    def test_user_between_pipelined_commands_ends_the_login_at_that_place(self):
        with connect(self.server.port) as control:
            replies = control.pipeline(["USER alice", f"PASS {PASSWORD}", "MKD mine", "CWD mine", "USER nobody", "MKD stolen", "SITE MKDIR stolen",
                                        "SITE SESSION LIST", "PWD", "PASS wrong", "MKD stolen", "USER alice", "MKD stolen", f"PASS {PASSWORD}", "PWD", "MKD again"])
        self.assertEqual([reply.code for reply in replies], [331, 230, 257, 250, 331, 530, 530, 530, 530, 530, 530, 331, 530, 230, 257, 257])
        self.assertTrue(replies[-2].text.startswith('"/"'), "the working directory is new as well")
        self.assertEqual(directories_in(self.home) - self.before, {"mine", "again"})

    def test_a_lone_lf_or_cr_is_no_line_end(self):
        for inside in (b"\n", b"\r", b"\n\r", b"\r\r", b"\n\n", b"\r\0", b"\0\n", b"\x0b", b"\x0c", "\u2028".encode(), b"\xc2\x85"):
            self.other.send_bytes(b"NOOP x" + inside + b"MKD smuggled" + inside + b"MKD smuggled\r\n")
            self.assertEqual(self.other.reply().code, 200)
            self.other.send_bytes(b"MKD a" + inside + b"MKD smuggled\r\n")
            self.assertIn(self.other.reply().code, (501, 257))
        self.other.send_bytes(b"MKD crcr\r\r\n")
        self.assertEqual(self.other.reply().code, 501)
        self.assertFalse({name for name in directories_in(self.home) if name.endswith("smuggled") and "\u2028" not in name})
        with Control(self.server.port) as control:
            control.send_bytes(b"AUTH TLS\nAUTH TLS\r\n")
            self.assertEqual(control.reply().code, 504)

    def test_the_server_connects_nowhere(self):
        # The bounce attack (CVE-1999-0017): the server would connect wherever it is told to.
        with socket.create_server(("127.0.0.1", 0)) as victim:
            port = victim.getsockname()[1]
            for line in [f"PORT 127,0,0,1,{port >> 8},{port & 255}", f"EPRT |1|127.0.0.1|{port}|", "LPRT 4,4,127,0,0,1,2,0,80", "RETR x", "STOR x", "REST 1"]:
                self.assertEqual(self.other.code(line), 502, line)
            victim.settimeout(0)
            with self.assertRaises(BlockingIOError):
                victim.accept()

    def test_no_back_door(self):
        # vsftpd 2.3.4, ProFTPD 1.3.3c and others had one.
        for line in ["USER alice:)", "USER x:)", "HELP ACIDBITCHEZ", "SITE DEBUG", "WIZ", "DEBUG", "KILL", "SITE ROOT"]:
            with connect(self.server.port) as control:
                self.assertIn(control.code(line), (331, 500, 501, 504))
                self.assertIn(control.code("PASS :)"), (530, 503))
                self.assertEqual(control.code("MKD x"), 530)
        for pid in self.server.all_processes():
            self.assertEqual(children_of(pid) if pid != self.server.pid else {}, {}, "nobody has a shell")


if __name__ == "__main__":
    unittest.main()
