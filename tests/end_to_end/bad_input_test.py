"""Bad input inside TLS gets a clear reply, makes nothing, and ends the connection only if it must."""
import unittest

from harness import SharedServerTest, directories_in
from control_client import ENDED, connect, logged_in


class BadInput(SharedServerTest):
    def setUp(self):
        self.home = self.server.site.root / "alice"
        self.net = self.server.child("net")
        self.control = logged_in(self.server.port)
        self.addCleanup(self.control.close)
        self.before = directories_in(self.home)

    def assert_still_serving(self):
        self.assertEqual(self.control.code("NOOP"), 200)

    def assert_nothing_made(self):
        self.assertEqual(directories_in(self.home), self.before)

    def test_the_longest_line_is_taken_and_one_byte_more_is_not(self):
        line = b"NOOP " + b"x" * (8192 - 5)
        self.assertEqual(self.control.code(line), 200)
        self.assertEqual(self.control.code(line + b"x"), 500)
        self.assert_still_serving()

    def test_an_over_long_line_is_skipped_as_a_whole(self):
        line = b"MKD hidden\rMKD hidden\n" + b"MKD hidden " * 1000
        self.assertEqual(self.control.pipeline([line, "NOOP", "MKD behind-long-line"])[0].code, 500)
        self.assertEqual(directories_in(self.home) - self.before, {"behind-long-line"})
        self.assertEqual(self.control.code(b"x" * 60_000), 500)
        self.assert_still_serving()

    def test_an_endless_line_ends_the_connection(self):
        self.control.send_bytes(b"MKD " + b"e" * 70_000)
        self.assertEqual(self.control.reply().code, 421)
        self.assertTrue(self.control.ended())
        self.assert_nothing_made()

    def test_a_password_of_a_megabyte_is_no_trouble(self):
        with connect(self.server.port) as control:
            self.assertEqual(control.code("USER alice"), 331)
            try:
                control.send(b"PASS " + b"p" * (1 << 20))
            except OSError:
                pass  # it need not take all of it
            self.assertIn(control.reply().code, (421, ENDED.code))
            self.assertTrue(control.ended())
        with connect(self.server.port) as control:
            self.assertEqual(control.code("USER alice"), 331)
            self.assertEqual(control.code(b"PASS " + b"p" * 20_000), 500)
            self.assertEqual(control.log_in().code, 230)
        self.assertEqual(self.server.child("net"), self.net)

    def test_control_characters_in_names_are_refused(self):
        for name in [b"nul\0", b"\0", b"cr\rx", b"lf\nx", b"tab\tx", b"bell\x07", b"esc\x1b[2J", b"del\x7f", "c1\u0085".encode()]:
            for command in [b"MKD ", b"SITE MKDIR ", b"XMKD ", b"CWD "]:
                self.assertEqual(self.control.code(command + name), 501, command + name)
        self.assert_nothing_made()
        self.assert_still_serving()

    def test_a_line_with_lf_only_is_no_line(self):
        self.control.send_bytes(b"MKD one\nMKD two\n")
        self.assertEqual(self.control.code("NOOP"), 501)
        self.assert_nothing_made()

    def test_names_that_are_not_utf8_are_refused(self):
        for name in [b"\xff", b"a\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]:
            self.assertEqual(self.control.code(b"MKD " + name), 501, name)
        self.assert_nothing_made()

    def test_names_and_paths_that_are_too_long_are_refused(self):
        self.assertEqual(self.control.code("MKD " + "n" * 255), 257)
        self.assertEqual(self.control.code("MKD " + "n" * 256), 553)
        self.assertEqual(self.control.code("MKD " + "资" * 85), 257)
        self.assertEqual(self.control.code("MKD " + "资" * 86), 553)
        self.assertEqual(self.control.code("SITE MKDIR " + "/dir" * 1100), 553)
        self.assert_still_serving()

    def test_nobody_gets_out_of_the_home(self):
        outside = self.server.site.root
        self.assertEqual(self.control.code("MKD ../../../escaped"), 257)  # `..` at the top stays at the top
        self.assertEqual(self.control.code("CWD .."), 250)
        self.assertEqual(self.control.ask("PWD").text.split(" is ")[0], '"/"')
        self.assertTrue((self.home / "escaped").is_dir())
        self.assertFalse((outside / "escaped").exists())
        (self.home / "way-out").symlink_to(outside)
        (self.home / "no-way").symlink_to("/nonexistent/place")
        out = self.control.ask("MKD way-out/escaped")
        self.assertEqual(out.code, 550)
        self.assertEqual(self.control.code("CWD way-out"), 550)
        self.assertEqual(self.control.code("SITE MKDIR way-out/a/b"), 550)
        self.assertEqual(self.control.code("MKD no-way/x"), 550)
        self.assertEqual({entry.name for entry in outside.iterdir() if entry.is_dir()}, {"alice"})

    def test_broken_arguments_are_refused(self):
        for line in ["MKD", "MKD ", "CWD", "NOPE", "", " MKD x", "MKD\tx", "SITE", "SITE MKDIR", "SITE SESSION NEW short",
                     "SITE SESSION END zz", "SITE SESSION NEW " + "A" * 43 + " -5", "PBSZ x", "QUIT now", "PWD x"]:
            with self.subTest(line=line):
                self.assertIn(self.control.code(line), (500, 501))
        for line, code in [("RETR x", 502), ("LIST", 521), ("PORT 127,0,0,1,8,75", 502), ("RMD x", 502), ("STOR x", 502),
                           ("SITE DANCE", 504), ("MODE B", 504), ("CCC", 534)]:
            with self.subTest(line=line):
                self.assertEqual(self.control.code(line), code)
        self.assertEqual(self.control.code("USER "), 501)
        self.assertEqual(self.control.code("PWD"), 530, "a USER without a name ends the login")

    def test_a_line_that_the_connection_cuts_off_is_not_executed(self):
        with logged_in(self.server.port) as control:
            control.send_bytes(b"MKD whole\r\nMKD cut-off")
            self.assertEqual(control.reply().code, 257)
        self.assertEqual(self.control.code("NOOP"), 200)
        self.assertEqual(directories_in(self.home) - self.before, {"whole"})

    def test_ten_thousand_pipelined_commands_are_answered_in_order(self):
        lines = [f"MKD pipe-{i % 5000}" for i in range(10_000)]
        replies = self.control.pipeline(lines)
        self.assertEqual([reply.code for reply in replies], [257] * 5000 + [521] * 5000)
        self.assertEqual([reply.text.split('"')[1] for reply in replies], ["/" + line[4:] for line in lines])


if __name__ == "__main__":
    unittest.main()
