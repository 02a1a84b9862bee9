"""ftpc ls and ftpc tree, as a user runs them."""
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from harness import FTPC, SharedServerTest
from ftpc_client import FtpcUser, Terminal

LOCALES = pathlib.Path("/usr/share/i18n/locales/en_US")
MODIFIED = 1780000000  # of every entry that a test looks at: 2026-05-28 20:26:40 UTC


class Listings(SharedServerTest):
    def setUp(self):
        self.home = self.server.site.root / "alice"
        for entry in self.home.iterdir():  # by the test before this one
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.user = FtpcUser(self.make_directory())
        self.assertEqual(self.user.log_in(self.server).returncode, 0)

    def make(self, *directories, files=()):
        for name in directories:
            (self.home / name).mkdir(parents=True, mode=0o755)
        for name in files:
            (self.home / name).write_text("x" * 1234, encoding="ascii")
            (self.home / name).chmod(0o640)
        for name in (*directories, *files):
            os.utime(self.home / name, (MODIFIED, MODIFIED))

    def prints(self, *command, status=0, stderr=""):
        done = self.user.ftpc(*command)
        self.assertEqual((done.returncode, done.stderr), (status, stderr), done.stdout)
        return done.stdout

    def on_terminal(self, command, columns=40, **environment):
        with Terminal("sh", "-c", f"stty cols {columns}; {command}", env={**self.user.environment, "TERM": "xterm", "PATH": os.environ["PATH"],
                                                                           "FTPC": FTPC, **environment}) as terminal:
            self.assertEqual(terminal.wait(), 0, terminal.seen)
            return terminal.seen.replace("\r\n", "\n")

    def test_a_directory_just_made_is_listed(self):
        self.assertEqual(self.prints("ls"), "")
        self.prints("mkdir", "-p", "projects/2026/raw")
        self.assertEqual(self.prints("ls"), "projects/\n")
        self.assertEqual(self.prints("ls", "projects"), "2026/\n")
        self.assertEqual(self.prints("tree"), "/\n└── projects/\n    └── 2026/\n        └── raw/\n\n3 directories, 0 files\n")

    def test_names_are_sorted_and_those_with_a_dot_are_hidden(self):
        self.make("b", ".c", "资料", files=["B", "a b", " "])
        self.assertEqual(self.prints("ls"), " \nB\na b\nb/\n资料/\n")
        self.assertEqual(self.prints("ls", "-a"), " \n.c/\nB\na b\nb/\n资料/\n")

    def test_the_long_form_has_permissions_size_and_local_time(self):
        self.make("d", files=["f"])
        self.user.environment["TZ"] = "JST-9"
        self.assertEqual(self.prints("ls", "-l"), "drwxr-xr-x     -  2026-05-29 05:26  d/\n"
                                                  "-rw-r-----  1234  2026-05-29 05:26  f\n")

    def test_json_has_what_the_file_system_has(self):
        self.make("d", "d/.e", files=["d/f\u200b"])
        directory, hidden, file = (json.loads(line) for line in [
            *self.prints("ls", "--json").splitlines(), *self.prints("ls", "-a", "--json", "d").splitlines()])
        time = datetime.datetime.fromtimestamp(MODIFIED, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(directory["path"], "/d")
        self.assertEqual(hidden, {"path": "/d/.e", "name": ".e", "type": "directory", "modified": time, "mode": "0755"})
        self.assertEqual(file, {"path": "/d/f\u200b", "name": "f\u200b", "type": "file", "size": 1234, "modified": time, "mode": "0640"})
        everything = [json.loads(line)["path"] for line in self.prints("tree", "-a", "--json").splitlines()]
        self.assertEqual(everything, ["/d", "/d/.e", "/d/f\u200b"])

    def test_a_path_that_is_not_there_fails_alone(self):
        self.make("a", "a/b", files=["f"])
        done = self.user.ftpc("ls", "a", "nowhere", "f")
        self.assertEqual((done.returncode, done.stdout), (1, "a:\nb/\n\nf\n"))
        self.assertEqual(done.stderr, "ftpc: nowhere: No such file or directory\n")
        self.assertEqual(self.user.ftpc("tree", "nowhere").returncode, 1)
        refused = json.loads(self.prints("ls", "--json", "nowhere", status=1))
        self.assertEqual((refused["path"], refused["code"]), ("nowhere", 550))

    def test_a_directory_of_many_parts_is_listed_whole(self):
        names = [f"{number:06}" for number in range(2_000)]
        (self.home / "many").mkdir()
        for name in names:
            (self.home / "many" / name).mkdir()
        self.assertEqual(self.prints("ls", "many"), "".join(f"{name}/\n" for name in names))
        self.assertTrue(self.prints("tree").endswith("\n2001 directories, 0 files\n"))

    def test_a_tree_goes_as_far_down_as_it_is_told(self):
        self.make("a", "a/b", "a/b/c", "d", files=["a/f"])
        self.assertEqual(self.prints("tree", "-L", "1"), "/\n├── a/\n└── d/\n\n2 directories, 0 files\n")
        self.assertEqual(self.prints("tree", "-L", "2", "a"), "a/\n├── b/\n│   └── c/\n└── f\n\n2 directories, 1 file\n")
        self.user.environment["LC_ALL"] = "C"
        self.assertEqual(self.prints("tree", "a"), "a/\n|-- b/\n|   `-- c/\n`-- f\n\n2 directories, 1 file\n")

    def test_a_tree_says_if_more_lies_deeper_than_it_goes(self):
        (self.home / "/".join(["d"] * 33)).mkdir(parents=True)
        note = "ftpc: /: directories 32 levels down are shown without their contents; list them by their paths\n"
        self.assertTrue(self.prints("tree", stderr=note).endswith("\n32 directories, 0 files\n"))

    def test_hidden_characters_are_shown_escaped_and_names_that_are_not_utf8_are_counted(self):
        self.make("n\u202e\u200bn")
        self.assertEqual(self.prints("ls"), "n\\xe2\\x80\\xae\\xe2\\x80\\x8bn/\n")
        os.mkdir(os.fsencode(self.home) + b"/\xff")
        self.assertEqual(self.prints("ls", stderr="ftpc: /: 1 name cannot be shown\n"), "n\\xe2\\x80\\xae\\xe2\\x80\\x8bn/\n")

    def test_on_a_terminal_names_stand_in_columns_and_directories_have_a_colour(self):
        self.make("资料", files=["a" * 10, "b" * 10, "c" * 10])
        names = f"{'a' * 10}  {'b' * 10}  {'c' * 10}  "
        self.assertEqual(self.on_terminal("$FTPC ls", columns=41), f"{names}\x1b[1;34m资料\x1b[0m/\n")
        self.assertEqual(self.on_terminal("$FTPC ls", columns=41, NO_COLOR="1"), f"{names}资料/\n")
        self.assertEqual(self.on_terminal("$FTPC ls --color=never", columns=41), f"{names}资料/\n")
        self.assertEqual(self.on_terminal("$FTPC ls", columns=40, TERM="dumb"), f"{'a' * 10}  {'c' * 10}\n{'b' * 10}  资料/\n")
        self.assertEqual(self.on_terminal("$FTPC ls | cat"), f"{'a' * 10}\n{'b' * 10}\n{'c' * 10}\n资料/\n")

    @unittest.skipUnless(LOCALES.exists() and shutil.which("localedef"), "the sources of locales are not installed")
    def test_names_are_sorted_as_the_locale_has_it(self):
        self.make("b", "Z", "ä", "a")
        self.assertEqual(self.prints("ls"), "Z/\na/\nb/\nä/\n")
        locales = self.make_directory()
        subprocess.run(["localedef", "-i", "en_US", "-f", "UTF-8", locales / "en_US.UTF-8"], check=False, capture_output=True)
        self.user.environment.update(LOCPATH=str(locales), LC_ALL="en_US.UTF-8")
        self.assertEqual(self.prints("ls"), "a/\nä/\nb/\nZ/\n")
        self.user.environment["LC_ALL"] = "C"
        self.assertEqual(self.prints("ls"), "Z/\na/\nb/\nä/\n")


if __name__ == "__main__":
    unittest.main()
