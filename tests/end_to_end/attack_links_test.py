"""Symbolic links, races with them, and directories that go elsewhere: nothing is made outside the home, over the wire as beneath it."""
import contextlib
import os
import shutil
import socket
import stat
import unittest

from harness import EndToEndTest, SharedServerTest, directories_in, tree_owner
from control_client import connect, logged_in
from races import swapping

OUTSIDE_WORDS = "Permission denied"  # the reply for a link that leads outside, like any forbidden path


class Links(SharedServerTest):
    users = ("alice", "bob")
    settings = {"durability": "none"}

    def setUp(self):
        self.root = self.server.site.root
        self.home = self.root / "alice"
        self.outside = self.server.site.directory / "outside"
        for directory in (self.outside, self.outside / "deep"):
            directory.mkdir()
            directory.chmod(0o777)
        self.net = self.server.child("net")
        self.addCleanup(self.clean)

    def clean(self):
        shutil.rmtree(self.outside)
        for entry in self.home.iterdir():
            entry.unlink() if entry.is_symlink() or not entry.is_dir() else shutil.rmtree(entry)
        self.assertEqual(self.server.child("net"), self.net, self.server.log.text)
        self.assertEqual(list((self.root / "bob").iterdir()), [])

    def make(self, path):
        directory = self.home / path
        directory.mkdir()
        os.chown(directory, *tree_owner())
        return directory

    def assert_outside_untouched(self):
        self.assertEqual(directories_in(self.outside), {"deep"})

    def ways_out(self):
        """Links that lead out of alice's home, each in its way."""
        descriptor = next(iter(os.listdir(f"/proc/{self.net}/fd")))
        return {
            "absolute": self.outside, "relative": os.path.relpath(self.outside, self.home), "root": "/", "tmp": "/tmp", "above": "..",
            "far-above": "../" * 40 + str(self.outside).lstrip("/"), "bob": "../bob", "bob-absolute": self.root / "bob",
            "round-about": "../alice/../bob", "home-by-its-path": self.home, "chained": "relative", "chained-deep": "chained/deep",
            "self-root": "/proc/self/root", "self-cwd": "/proc/self/cwd", "self-fd": f"/proc/self/fd/{descriptor}", "thread-fd": "/proc/thread-self/fd/0",
            "net-root": f"/proc/{self.net}/root", "net-fd": f"/proc/{self.net}/fd/{descriptor}", "dev-fd": "/dev/fd/0", "etc": "/etc",
        }

    def test_no_link_leads_out(self):
        ways = self.ways_out()
        for name, target in ways.items():
            (self.home / name).symlink_to(target)
        with logged_in(self.server.port) as control:
            for name in ways:
                with self.subTest(name=name):
                    for command in (f"MKD {name}/made", f"SITE MKDIR {name}/made", f"SITE MKDIR {name}/made/by/walking", f"SITE MKDIR {name}/deep/x/y",
                                    f"CWD {name}", f"CWD {name}/deep", f"MKD {name}/../{name}/made"):
                        reply = control.ask(command)
                        self.assertEqual((reply.code, reply.text), (550, OUTSIDE_WORDS), command)
                    for command in (f"MKD {name}", f"XMKD {name}/"):
                        self.assertEqual(control.code(command), 550, command)
                    self.assertTrue(control.ask("PWD").text.startswith('"/"'))
        self.assert_outside_untouched()

    def test_links_to_nowhere_in_circles_and_to_absolute_paths_of_the_home(self):
        for name, target in {"nowhere": "not-there", "nowhere-deep": "a/b/c", "circle": "circle", "a": "b", "b": "a", "long": "x/" * 2000,
                             "empty-looking": " ", "slashes": "./././.", "absolute": self.home / "slashes"}.items():
            (self.home / name).symlink_to(target)
        with logged_in(self.server.port) as control:
            for name in ("nowhere", "nowhere-deep", "circle", "a", "b", "long", "empty-looking", "absolute"):
                for command in (f"MKD {name}", f"MKD {name}/x", f"SITE MKDIR {name}/x/y", f"CWD {name}"):
                    self.assertEqual(control.code(command), 550, command)
            self.assertEqual(control.code("MKD slashes/inside"), 257, "a link that stays inside is followed")
        self.assertEqual({name for name in directories_in(self.home) if not (self.home / name).is_symlink()}, {"inside"})

    def test_a_parent_that_was_replaced_between_two_commands_is_looked_up_anew(self):
        before, now = self.home / "before", self.home / "p"
        self.make("p")
        with logged_in(self.server.port) as control:
            self.assertEqual({reply.code for reply in control.pipeline([f"MKD p/{i}" for i in range(20)])}, {257})
            now.rename(before)
            self.make("p")
            self.assertEqual({reply.code for reply in control.pipeline(["MKD p/x", "SITE MKDIR p/y", "MKD /p/z"])}, {257})
            self.assertEqual(directories_in(now), {"x", "y", "z"})
            self.assertEqual(len(directories_in(before)), 20)
            shutil.rmtree(now)
            now.symlink_to(self.outside)
            self.assertEqual({reply.code for reply in control.pipeline(["MKD p/1", "SITE MKDIR p/2"])}, {550})
        self.assert_outside_untouched()

    def test_a_link_in_the_place_of_the_home_lets_nobody_work_there(self):
        for target in (self.outside, "../outside", "/", self.root / "alice"):
            self.home.parent.joinpath("bob").rmdir()
            try:
                (self.root / "bob").symlink_to(target)
                with connect(self.server.port) as control:
                    reply = control.log_in("bob")
                    self.assertIn(reply.code, (530, 230) if str(target).endswith("alice") else (530,), target)
                    if reply.code == 230:
                        self.fail("bob works in alice's home by way of an absolute link")
                    self.assertEqual(control.code("MKD x"), 530)
            finally:
                (self.root / "bob").unlink()
                (self.root / "bob").mkdir()
                os.chown(self.root / "bob", *tree_owner())
        self.assert_outside_untouched()

    def test_a_file_or_fifo_is_in_the_way_and_nothing_waits_for_it(self):
        os.mkfifo(self.home / "fifo")
        (self.home / "file").write_text("x", encoding="utf-8")
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as here:
            here.bind(str(self.home / "socket"))
        with contextlib.suppress(PermissionError):
            os.mknod(self.home / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        with logged_in(self.server.port) as control:
            for entry in list(self.home.iterdir()):
                for command in (f"MKD {entry.name}", f"MKD {entry.name}/x", f"SITE MKDIR {entry.name}/x/y", f"CWD {entry.name}", f"MKD {entry.name}/../{entry.name}"):
                    self.assertEqual(control.code(command), 550, command)

    def race(self, commands, rounds=250):
        """Sends the commands while `d` is swapped for a link that leads outside; how often each code came."""
        self.make("d")
        self.make("d/deep")
        self.make("d/work")
        (self.outside / "work").mkdir()
        (self.home / "trap").symlink_to(self.outside)
        codes = {}
        with logged_in(self.server.port) as control, swapping(self.home / "d", self.home / "trap"):
            for i in range(rounds):
                for reply in control.pipeline([command.format(i) for command in commands]):
                    codes[reply.code] = codes.get(reply.code, 0) + 1
        (self.outside / "work").rmdir()  # fails if anything was made in it
        self.assert_outside_untouched()
        return codes

    def test_an_attacker_who_swaps_a_parent_loses_the_race(self):
        codes = self.race(["MKD d/a{}", "SITE MKDIR d/b{}/x/y", "MKD d/deep/c{}", "SITE MKDIR d/deep/e{}/z", "XMKD trap/f{}"])
        self.assertLessEqual(set(codes), {257, 550, 450})
        self.assertGreater(codes.get(257, 0), 0, "now and then it was the directory")
        self.assertGreater(codes.get(550, 0), 0, "and now and then the link")

    def test_the_race_for_the_working_directory_is_lost_as_well(self):
        codes = self.race(["CWD /", "CWD d", "MKD a{}", "CWD work", "MKD b{}", "CWD ..", "MKD c{}", "SITE MKDIR w/x{}/y"])
        self.assertGreater(codes.get(250, 0), 0)
        self.assertGreater(codes.get(257, 0), 0)

    def test_a_working_directory_that_is_moved_out_does_not_open_the_way_above_it(self):
        self.make("moved")
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("CWD moved"), 250)
            (self.home / "moved").rename(self.outside / "deep/moved")
            # The session holds the directory that it was given and may go on in it (docs/security.md), but `..` goes by words.
            self.assertIn(control.code("MKD still-held"), (257, 550))
            self.assertEqual(control.code("MKD ../beside"), 257)
            self.assertTrue((self.home / "beside").is_dir())
            self.assertEqual(control.code("SITE MKDIR ../../../up/and/away"), 257)
            self.assertEqual(control.code("CWD ."), 550, "it is not there any more")
            self.assertEqual(control.code("CDUP"), 250)
            self.assertEqual(control.code("MKD at-home"), 257)
        self.assertLessEqual(directories_in(self.outside), {"deep", "deep/moved", "deep/moved/still-held"})
        self.assertEqual({entry.name for entry in self.home.iterdir()}, {"beside", "up", "at-home"})

    def test_a_directory_that_is_removed_or_replaced_under_a_session(self):
        directory = self.make("gone")
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("CWD gone"), 250)
            directory.rmdir()
            self.assertEqual(control.code("MKD x"), 550)
            directory.symlink_to(self.outside)
            self.assertEqual(control.code("MKD x"), 550, "not in what took its name")
            self.assertEqual(control.code("SITE MKDIR x/y"), 550)
            self.assertEqual(control.code("CWD ."), 550)
        self.assert_outside_untouched()


class HomeMoved(EndToEndTest):
    def test_a_home_that_is_moved_out_is_not_opened_anew(self):
        server = self.serve()
        home, elsewhere = server.site.root / "alice", server.site.directory / "elsewhere"
        with logged_in(server.port) as control:
            home.rename(elsewhere)
            self.assertIn(control.code("MKD x"), (257, 550))
            self.assertIn(control.code("MKD ../../y"), (257, 550))
        self.assertEqual({path for path in directories_in(server.site.directory) if path.endswith("/y") or path == "y"} - {"elsewhere/y"}, set())
        with connect(server.port) as control:
            self.assertEqual(control.log_in().code, 530, "there is no home")
        home.symlink_to(elsewhere)
        with connect(server.port) as control:
            self.assertEqual(control.log_in().code, 530, "and a link out of the tree is none")


if __name__ == "__main__":
    unittest.main()
