"""MLST, SIZE, MDTM, STAT of a path and SITE MLSD: facts over the control connection, from inside the sandbox."""
import os
import re
import shutil
import unittest

from harness import EndToEndTest, SharedServerTest
from control_client import ENDED, logged_in
from races import swapping

MANY = 10000
MOST_BYTES = 32768  # of a reply to SITE MLSD
OUTSIDE_WORDS = "Permission denied"
DIRECTORY = re.compile(r"type=dir;modify=(\d{14});perm=elm;unique=[0-9a-f]+:[0-9a-f]+;unix\.mode=0[0-7]{3};")
FILE = re.compile(r"type=file;size=(\d+);modify=(\d{14});perm=;unique=[0-9a-f]+:[0-9a-f]+;unix\.mode=0[0-7]{3};")


def size_on_the_wire(reply):
    """With the code before its first and last line, and CRLF behind each."""
    return len(reply.text.encode()) + reply.text.count("\n") + len("150-150 \r\n")


class Facts(SharedServerTest):
    users = ("alice", "bob")
    settings = {"durability": "none"}

    def setUp(self):
        self.home = self.server.site.root / "alice"
        self.outside = self.server.site.root / "bob/outside"  # the sandbox alone would not hide it
        self.outside.mkdir()
        (self.outside / "secret").write_text("secret")
        self.net = self.server.child("net")
        self.alice = logged_in(self.server.port)
        self.addCleanup(self.clean)

    def clean(self):
        self.alice.close()
        shutil.rmtree(self.outside)
        for entry in self.home.iterdir():
            entry.unlink() if entry.is_symlink() or not entry.is_dir() else shutil.rmtree(entry)
        self.assertEqual(self.server.child("net"), self.net, self.server.log.text)

    def file(self, name, text="contents", seconds=None):
        path = self.home / name
        path.write_text(text)
        if seconds is not None:
            os.utime(path, (seconds, seconds))
        return path

    def make_many(self, where, number=MANY):
        """That many names of one file."""
        where.mkdir()
        original = where / "0"
        original.touch()
        for i in range(1, number):
            os.link(original, where / str(i))

    def tree(self, argument):
        """All replies to one SITE MLSD."""
        self.alice.send(f"SITE MLSD {argument}")
        return self.replies_of_tree()

    def replies_of_tree(self):
        replies = [self.alice.reply()]
        while replies[-1].code == 150:
            replies.append(self.alice.reply())
        return replies

    def names_in(self, replies):
        """The names in the lines, in their order; each reply is checked."""
        names = []
        for reply in replies:
            self.assertLessEqual(size_on_the_wire(reply), MOST_BYTES)
            first, *lines, last = reply.text.split("\n")
            self.assertRegex(first, '^".*"$')
            self.assertRegex(last, r"^More follows\.$" if reply.code == 150 else "^End")
            for line in lines:
                self.assertRegex(line, "^ type=")
                names.append(line.partition("; ")[2])
        return names

    # ---- MLST, SIZE, MDTM

    def test_mlst_tells_the_facts_of_a_directory_and_of_a_file(self):
        (self.home / "d").mkdir()
        self.file("d/f", seconds=951868799)
        code, text = self.alice.ask("MLST /d")
        first, line, last = text.split("\n")
        self.assertEqual((code, first, last), (250, 'Listing "/d"', "End"))
        self.assertRegex(line, f"^ {DIRECTORY.pattern} /d$")
        self.alice.ask("CWD d")
        found = re.fullmatch(f" {FILE.pattern} /d/f", self.alice.ask("MLST f").text.split("\n")[1])
        self.assertEqual(found.groups(), ("8", "20000229235959"))
        self.assertRegex(self.alice.ask("MLST").text, f"\n {DIRECTORY.pattern} /d\n")
        self.assertRegex(self.alice.ask("MLST /").text, f"\n {DIRECTORY.pattern} /\n")

    def test_mlst_tells_the_facts_that_opts_mlst_has_chosen(self):
        self.file("f")
        self.assertEqual(self.alice.code("OPTS MLST size;type;"), 200)
        self.assertEqual(self.alice.ask("MLST f").text.split("\n")[1], " type=file;size=8; /f")
        self.assertEqual(self.alice.code("OPTS MLST"), 200)
        self.assertEqual(self.alice.ask("MLST f").text.split("\n")[1], "  /f")

    def test_size_and_mdtm_of_a_file(self):
        self.file("f", "x" * 123456, seconds=-86400)
        self.assertEqual(self.alice.ask("MDTM f"), (213, "19691231000000"))
        self.assertEqual(self.alice.code("SIZE f"), 550, "TYPE A")
        self.alice.ask("TYPE I")
        self.assertEqual(self.alice.ask("SIZE f"), (213, "123456"))

    def test_size_is_of_regular_files_only(self):
        (self.home / "d").mkdir()
        os.mkfifo(self.home / "fifo")
        replies = self.alice.pipeline(["TYPE I", "SIZE d", "SIZE fifo", "MDTM d", "MDTM fifo", "SIZE none", "MDTM none"])
        self.assertEqual([reply.code for reply in replies], [200, 550, 550, 213, 213, 550, 550])
        self.assertEqual(replies[-1].text, "No such file or directory")

    def test_a_link_counts_as_its_target_and_one_that_leads_out_is_forbidden(self):
        self.file("f")
        (self.home / "to-file").symlink_to("f")
        (self.home / "out").symlink_to("../bob/outside/secret")
        (self.home / "out-directory").symlink_to("../bob/outside")
        (self.home / "absolute").symlink_to(self.outside / "secret")
        self.alice.ask("TYPE I")
        self.assertEqual(self.alice.ask("SIZE to-file"), (213, "8"))
        self.assertIn("type=file;size=8;", self.alice.ask("MLST to-file").text)
        for name in ("out", "absolute", "out-directory/secret"):
            for verb in ("MLST", "SIZE", "MDTM", "STAT", "SITE MLSD", "SITE MLSD 0"):
                with self.subTest(f"{verb} {name}"):
                    self.assertEqual(self.alice.ask(f"{verb} {name}"), (550, OUTSIDE_WORDS))

    # ---- STAT of a path

    def test_stat_of_a_path_lists_it_as_ls_does(self):
        (self.home / "d").mkdir()
        self.file("d/f", seconds=0).chmod(0o640)
        (self.home / "d/b\x1b[2J").touch()
        line = " -rw-r-----    1 ftp      ftp                 8 Jan  1  1970 f"
        self.assertEqual(self.alice.ask("STAT d"), (212, f'Status of "/d"\n{line}\nEnd; 1 name cannot be shown.'))
        self.assertEqual(self.alice.ask("STAT -la d/f"), (213, f'Status of "/d/f"\n{line}\nEnd'))
        self.assertEqual(self.alice.ask("STAT none"), (550, "No such file or directory"))
        self.assertEqual(self.alice.code("STAT"), 211)

    def test_stat_of_a_path_shows_a_thousand_entries_and_says_that_there_are_more(self):
        self.make_many(self.home / "d", 1000)
        code, text = self.alice.ask("STAT d")
        self.assertEqual((code, text.count("\n"), text.split("\n")[-1]), (212, 1001, "End"))
        (self.home / "d/one-more").touch()
        code, text = self.alice.ask("STAT d")
        self.assertEqual((code, text.count("\n")), (212, 1001))
        self.assertEqual(text.split("\n")[-1], "There are more; LIST shows all of them.")

    # ---- SITE MLSD

    def test_a_tree_begins_with_the_path_and_goes_as_deep_as_was_asked_for(self):
        (self.home / "p/2026/raw").mkdir(parents=True)
        self.file("p/2026/raw/f")
        everything = ["/p", "2026", "2026/raw", "2026/raw/f"]
        for argument, names in (("/p", everything[:2]), ("0 /p", everything[:1]), ("1 /p", everything[:2]),
                                ("2 /p", everything[:3]), ("3 /p", everything), ("32 p", everything)):
            with self.subTest(argument):
                replies = self.tree(argument)
                self.assertEqual([reply.code for reply in replies], [250])
                self.assertEqual(self.names_in(replies), names)
        text = self.tree("3 /p")[0].text
        self.assertRegex(text, f'^"/p"\n {DIRECTORY.pattern} /p\n')
        self.assertRegex(text, f"\n {FILE.pattern} 2026/raw/f\nEnd$")

    def test_a_tree_of_a_file_or_of_nothing(self):
        self.file("f")
        self.assertEqual(self.names_in(self.tree("5 /f")), ["/f"])
        self.assertEqual(self.tree("/none"), [(550, "No such file or directory")])
        self.assertEqual(self.tree("/f/x"), [(550, "Not a directory")])
        self.assertEqual(self.tree("33 /")[0].code, 501)

    def test_ten_thousand_entries_come_in_bounded_replies(self):
        self.make_many(self.home / "many")
        replies = self.tree("/many")
        self.assertEqual({reply.code for reply in replies[:-1]}, {150})
        self.assertEqual(replies[-1].code, 250)
        top, *names = self.names_in(replies)
        self.assertEqual(top, "/many")
        self.assertEqual(len(names), MANY)
        self.assertEqual(set(names), {str(i) for i in range(MANY)})

    def test_pipelined_trees_are_answered_in_order(self):
        self.make_many(self.home / "many", 1000)
        self.file("f")
        commands = ["SITE MLSD /many", "MLST f", "SITE MLSD /none", "SITE MLSD 0 /many", "STAT f", "SITE MLSD /many", "NOOP"]
        self.alice.send_bytes("".join(f"{command}\r\n" for command in commands).encode())
        self.assertEqual(len(self.names_in(self.replies_of_tree())), 1001)
        self.assertIn("/f", self.alice.reply().text)
        self.assertEqual(self.alice.reply().code, 550)
        self.assertEqual(self.names_in(self.replies_of_tree()), ["/many"])
        self.assertEqual(self.alice.reply().code, 213)
        self.assertEqual(len(self.names_in(self.replies_of_tree())), 1001)
        self.assertEqual(self.alice.reply().code, 200)

    def test_names_that_a_line_cannot_show_are_counted(self):
        (self.home / "d").mkdir()
        for name in (b"end\r\n250 End", b"latin\xe9", b"escape\x1b[2J"):
            os.mkdir(os.fsencode(self.home / "d") + b"/" + name)
        self.file("d/good")
        replies = self.tree("/")
        self.assertEqual(self.names_in(replies), ["/", "d"])
        replies = self.tree("2 /")
        self.assertEqual(self.names_in(replies), ["/", "d", "d/good"])
        self.assertEqual(replies[-1].text.split("\n")[-1], "End; 3 names cannot be shown.")

    def test_links_are_shown_as_their_targets_and_not_entered(self):
        (self.home / "d").mkdir()
        (self.home / "d/up").symlink_to("..")
        (self.home / "out").symlink_to("../bob/outside")
        (self.home / "dangling").symlink_to("nothing")
        self.assertEqual(self.names_in(self.tree("32 /")), ["/", "d", "d/up"])

    def test_a_directory_that_is_swapped_with_a_link_to_the_outside_shows_nothing_of_it(self):
        (self.home / "d/directory").mkdir(parents=True)
        self.file("d/directory/mine")
        (self.home / "d/link").symlink_to("../../bob/outside")
        seen = set()
        with swapping(self.home / "d/directory", self.home / "d/link"):
            for _ in range(40):
                self.alice.send_bytes(b"SITE MLSD 2 /d\r\n" * 50)
                for _ in range(50):
                    seen.update(self.names_in(self.replies_of_tree()))
        self.assertEqual(seen, {"/d", *(f"{name}{below}" for name in ("directory", "link") for below in ("", "/mine"))})

    def test_the_longest_path_and_names_fit_into_replies(self):
        here = os.open(self.home, os.O_RDONLY)
        path = ""
        for _ in range(15):
            os.mkdir("q" * 254 + '"', dir_fd=here)
            below = os.open("q" * 254 + '"', os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
            path += "/" + "q" * 254 + '"'
        for i in range(200):
            os.mkdir(f"{i:0250}", dir_fd=here)
        os.close(here)
        top, *names = self.names_in(self.tree(path))
        self.assertEqual((top, len(names)), (path, 200))
        self.assertEqual(len(self.names_in(self.tree("32 /"))), 216)

    def test_a_directory_that_may_not_be_read_is_shown_without_its_contents(self):
        (self.home / "closed/inside").mkdir(parents=True)
        (self.home / "closed").chmod(0)
        self.addCleanup((self.home / "closed").chmod, 0o755)
        self.assertEqual(self.names_in(self.tree("5 /")), ["/", "closed"])
        self.assertEqual(self.tree("1 /closed"), [(550, OUTSIDE_WORDS)])
        self.assertEqual(self.names_in(self.tree("0 /closed")), ["/closed"])

    def test_a_client_that_leaves_in_the_middle_disturbs_nobody(self):
        self.make_many(self.home / "many")
        before = self.server.log_size()
        with logged_in(self.server.port) as leaver:
            leaver.send_bytes(b"SITE MLSD /many\r\n" * 50)
            self.assertEqual(leaver.reply().code, 150)
            leaver.reset_on_close()
        self.server.log.wait_for("event=disconnected", before)
        self.assertEqual(len(self.names_in(self.tree("/many"))), MANY + 1)


class HandedOver(Facts):
    """The same if the tree is treated like a file system that may hang."""
    settings = {"durability": "none", "hand_over": "always"}


class EndInTheMiddle(EndToEndTest):
    def test_a_locked_user_gets_no_more_of_a_tree(self):
        server = self.serve(durability="none")
        home = server.site.root / "alice"
        for i in range(MANY):
            (home / f"{i:0200}").symlink_to(".")
        with logged_in(server.port) as alice, logged_in(server.port) as idle:
            alice.send("SITE MLSD /")
            self.assertEqual(alice.reply().code, 150)  # the others fill the buffers between the two
            self.assertEqual(server.site.ftpcd("user", "lock", "alice").returncode, 0)
            self.assertEqual(idle.reply().code, 421)
            replies = [alice.reply()]
            while replies[-1] != ENDED:
                replies.append(alice.reply())
            self.assertEqual(replies[-2].code, 421)
            self.assertEqual({reply.code for reply in replies[:-2]} | {150}, {150}, "the listing was not complete")


if __name__ == "__main__":
    unittest.main()
