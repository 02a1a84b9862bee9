"""Names and paths as attackers choose them: nothing outside the home, nothing that reads as something else, no overflow."""
import os
import re
import unittest

from harness import SharedServerTest, directories_in, resident_bytes
from control_client import connect, logged_in

# In any mixture `..` is resolved by words and ends at the home; a text that only looks like it is a name.
DOTS = ["..", "../", "../..", "/..", "/../", "//..//", "./..", "./.././..", ".././", "../../../../../../../../../..", "/./../.", "x/../..",
        "x/..", "x/../../y/../..", "/x/../../.."]
LOOK_LIKE_DOTS = ["...", "....", ".. ", "..\\", "..\\..\\etc", "\\..\\..", "%2e%2e", "%2e%2e%2f", "..%2f..", "%c0%ae%c0%ae", "..;", "~", "~root",
                  "~{", "C:\\windows", "\\\\host\\share", "․․", "．．", "‥", ". .", "..\u00a0"]
# A shell, a format string, a glob or a database would act on these.
CODE = ["%n%n%n%n%s%s", "%x" * 100, "`id`", "$(id)", "${HOME}", "a;id", "a|id", "a&id", "a>b", "*", "?", "[a-z]", "{a,b}", "{{{{*}}}}", "-rf",
        "--help", "'; DROP TABLE users; --", "%') UNION SELECT 1", "a'b", "a\"b", "a\\", "\\", "b\"", "<script>alert(1)"]


class Names(SharedServerTest):
    users = ("alice", "bob")
    settings = {"durability": "none"}

    def setUp(self):
        self.root = self.server.site.root
        self.home = self.root / "alice"
        self.net = self.server.child("net")
        self.control = logged_in(self.server.port)
        self.addCleanup(self.control.close)
        self.outside = self.everything_else()
        self.addCleanup(self.assert_nothing_outside)

    def everything_else(self):
        return {path for path in directories_in(self.server.site.directory) if not path.startswith("data/root/alice/")}

    def assert_nothing_outside(self):
        self.assertEqual(self.everything_else(), self.outside)
        self.assertEqual(self.server.child("net"), self.net, "nothing has crashed")

    def made(self, command):
        """The names that `command` has made beneath the home, and its reply."""
        before = directories_in(self.home)
        reply = self.control.ask(command)
        return directories_in(self.home) - before, reply

    def test_dots_never_lead_above_the_home(self):
        self.assertEqual(self.control.code("MKD x"), 257)
        self.addCleanup(lambda: (self.home / "x").rmdir())
        for i, dots in enumerate(DOTS):
            for command in ("MKD", "SITE MKDIR"):
                name = f"dots-{i}-{command[0]}"
                with self.subTest(dots=dots, command=command):
                    made, reply = self.made(f"{command} {dots}/{name}")
                    self.assertEqual((made, reply.code), ({name}, 257))
                    self.assertTrue(reply.text.startswith(f'"/{name}"'), reply.text)
            self.assertEqual(self.control.code(f"CWD {dots}"), 250)
            self.assertTrue(self.control.ask("PWD").text.startswith('"/"'))

    def test_dots_alone_name_a_directory_that_is_there(self):
        for path in ("..", "/", ".", "//", "../..", "/./", "./../"):
            self.assertEqual(self.made(f"MKD {path}")[1].code, 521, path)
            self.assertEqual(self.made(f"SITE MKDIR {path}")[1].code, 250, path)

    def test_absolute_paths_begin_at_the_home(self):
        for i, form in enumerate(["/{}", "//{}", "///{}//", "/./{}", "/{}/."]):
            name = f"absolute-{i}"
            self.assertEqual(self.made("MKD " + form.format(name))[0], {name})
        made, reply = self.made("MKD /etc/passwd")
        self.assertEqual((made, reply.code), (set(), 550))
        for path in (f"{self.root}/bob/x", "/../bob/x", "/proc/self/root/x"):
            self.assertEqual(self.made(f"MKD {path}"), (set(), (550, "No such file or directory")), path)

    def test_a_name_that_only_looks_like_dots_or_code_is_a_plain_name(self):
        for name in LOOK_LIKE_DOTS + CODE:
            with self.subTest(name=name):
                made, reply = self.made(f"MKD {name}")
                self.assertEqual(made, {name})
                quoted = name.replace('"', '""')
                self.assertEqual(reply, (257, f'"/{quoted}" created.'))
                self.assertEqual(self.control.code(f"MKD {name}"), 521)

    def test_every_control_character_is_refused_everywhere(self):
        for byte in [*range(0x20), 0x7F]:
            for command in (b"MKD a%cb", b"SITE MKDIR a/%cb", b"CWD %c", b"MKD %c"):
                self.assertEqual(self.made(command % byte)[1].code, 501, (command, byte))
        for point in range(0x80, 0xA0):
            self.assertEqual(self.made(f"MKD a{chr(point)}b")[1].code, 501, point)
        self.assertEqual(directories_in(self.home) & {"a", "ab", "b"}, set())

    def test_invalid_and_overlong_utf8_is_refused(self):
        for name in [b"\x80", b"\xff", b"\xfe\xff", b"a\xc3", b"\xc3(", b"\xe2\x82", b"\xf0\x9f\x98",  # no sequence, or half of one
                     b"\xc0\x80", b"\xc0\xae\xc0\xae", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xf0\x80\x80\xaf",
                     b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80"]:  # overlong, surrogates, too large
            for command in (b"MKD ", b"SITE MKDIR a/", b"CWD ", b"MKD ../"):
                self.assertEqual(self.made(command + name)[1].code, 501, name)
        self.assertEqual(self.control.code(b"USER \xc0\x80"), 501)

    def test_quotes_in_the_reply_are_doubled_up_to_the_longest_path(self):
        # One byte too few for a doubled quote at the end of a buffer was CVE-2001-0053.
        for name in ['"', '""', 'a"', '"a', '" created.\r', '"' * 255]:
            if "\r" in name:
                self.assertEqual(self.control.code(f"MKD {name}"), 501)
                continue
            made, reply = self.made(f"MKD {name}")
            doubled = name.replace('"', '""')
            self.assertEqual((made, reply.text), ({name}, f'"/{doubled}" created.'))
        for last in range(1, 32):
            path = "/".join(["q" * 255] * 15 + ['"' * last])  # 3,839 to 3,871 bytes and a slash
            made, reply = self.made(f"SITE MKDIR {path}")
            doubled = '"' * (2 * last)
            self.assertEqual(reply.code, 257)
            self.assertTrue(reply.text.endswith(f'/{doubled}" created.'), last)
            self.assertIn(path, made)

    def test_lengths_around_every_limit(self):
        for size in (254, 255):
            self.assertEqual(self.made("MKD " + "l" * size)[0], {"l" * size})
        for size in (256, 257, 1023, 1024, 1025, 4095, 4096, 4097, 5000, 8000):
            self.assertEqual(self.made("MKD " + "l" * size), (set(), (553, "name too long (at most 255 bytes each, 4096 in all)")), size)
            self.assertEqual(self.made("SITE MKDIR " + "l" * min(size, 8100))[1].code, 553, size)
        # The whole path: "/" and names of together 4,096 bytes (a wrong count of the slash was CVE-2003-0466).
        for size in (4094, 4095, 4096, 4097, 4098):
            path = ("/" + "p" * 127) * 31  # 3,968
            path += "/" + "e" * (size - len(path) - 1)
            self.assertEqual(self.made(f"SITE MKDIR {path}")[1].code, 257 if size <= 4096 else 553, size)
        before = resident_bytes(self.net)
        for _ in range(300):
            self.control.ask("MKD " + "l" * 5000)
        self.assertLess(resident_bytes(self.net) - before, 8 << 20)

    def test_paths_that_are_very_deep(self):
        for depth, code in [(63, 257), (64, 257), (65, 552), (2000, 552)]:
            path = "/".join("d" * depth)
            self.assertEqual(self.control.code(f"SITE MKDIR {path}"), code, depth)
        self.assertEqual(max(path.count("/") for path in directories_in(self.home)), 63)
        self.assertEqual(self.control.code("CWD " + "d/" * 64), 250)
        self.assertEqual(self.control.code("MKD one-more"), 552, "not by way of the working directory either")
        self.assertEqual(self.control.code("MKD ../sibling"), 257)
        self.assertEqual(self.control.code("CWD /" + "../" * 2000), 250)

    def test_names_of_users_that_nobody_can_have(self):
        names = ["root", "alice ", " alice", "Alice", "alice/", "./alice", "../root", "alice:)", "alice%", "%n%n", "~alice", "al*ce", "a" * 33,
                 "a" * 5000, "' OR 1=1 --", "%') --", "аlice", "alice\u200b", "-", "@", "alice@host", "*", "ALICE", "alice;bob", "alice,bob"]
        for name in names:
            with self.subTest(name=name[:40]), connect(self.server.port) as control:
                self.assertEqual(control.ask(f"USER {name}"), (331, "Password required."))
                self.assertEqual(control.ask("PASS correct horse battery staple"), (530, "Login refused."))
                self.assertEqual(control.code("MKD x"), 530)
        for name in ["alice\0", "\0", "ali\rce", "alice\n", "alice\x1b[2J", "alice\x7f", "alice\x85"]:
            with self.subTest(name=name), connect(self.server.port) as control:
                self.assertEqual(control.code(f"USER {name}"), 501)
                self.assertEqual(control.code("PASS correct horse battery staple"), 503)

    def test_nobody_forges_a_line_of_the_log(self):
        with connect(self.server.port) as control:
            for name in [b"x\nftpcd[auth]: event=login user=root result=granted", b"x\revent=forged", b"x\" event=forged y=\"",
                         "x\u2028event=forged".encode(), b"x\x1b[1Aevent=forged"]:
                if control.ask(b"USER " + name).code == 331:
                    control.ask("PASS x")
        for line in self.server.log.text.splitlines():
            self.assertRegex(line, r"^(ftpcd(\[\w+\])?: |\s*$)")
            self.assertIsNone(re.search(r"(^|[^\w\\\"=])event=(?!.*peer=)forged", line), line)
        self.assertNotRegex(self.server.log.text, r"[\x00-\x09\x0b-\x1f\u2028]")
        self.assertNotRegex(self.server.log.text, r"(?m)^ftpcd\[\w+\]: time=\S+ event=login user=root .*result=granted")

    def test_a_directory_has_the_permissions_of_the_setting_with_any_name(self):
        for name in ("setuid", "..sticky", "0777"):
            self.assertEqual(self.control.code(f"MKD {name}"), 257)
            status = os.stat(self.home / name)
            self.assertEqual(status.st_mode & 0o7777, 0o755)
            self.assertEqual((status.st_uid, status.st_gid), (os.stat(self.home).st_uid, os.stat(self.home).st_gid))


if __name__ == "__main__":
    unittest.main()
