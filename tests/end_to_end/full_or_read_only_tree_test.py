"""A tree that takes no more directories: full, read-only, or not ours. Nothing is acknowledged that is not there."""
import os
import subprocess
import tempfile
import unittest

from harness import IS_ROOT, EndToEndTest, directories_in, make_system_users, tree_owner
from control_client import connect, logged_in
from ftpc_client import FtpcUser


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


@unittest.skipUnless(IS_ROOT, "mounting a small file system needs root")
class SmallFileSystem(EndToEndTest):
    durability = "group"

    def setUp(self):
        make_system_users()
        self.tree = tempfile.mkdtemp(prefix="ftpcd-tree-")
        self.addCleanup(os.rmdir, self.tree)
        user, group = tree_owner()
        mount("-t", "tmpfs", "-o", f"size=4m,nr_inodes=40,mode=755,uid={user},gid={group}", "tmpfs", self.tree)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.tree], check=True)
        self.server = self.serve(root=self.tree, durability=self.durability)
        self.home = self.server.site.root / "alice"

    def test_a_full_file_system_answers_452_and_keeps_acknowledged_directories(self):
        with logged_in(self.server.port) as control:
            replies = control.pipeline([f"MKD {i}" for i in range(100)])
            made = {str(i) for i, reply in enumerate(replies) if reply.code == 257}
            self.assertEqual({reply.code for reply in replies}, {257, 452})
            self.assertEqual(next(reply.text for reply in replies if reply.code == 452), "No space left on device")
            self.assertTrue(20 <= len(made) < 40, len(made))
            self.assertEqual(directories_in(self.home), made)
            self.server.log.wait_for(r'event=directory-failed id=\d+ user=alice path=/\d+ error="No space left on device"$')
            self.assertEqual(control.code("SITE MKDIR deep/er"), 452)
            done = self.server.site.ftpcd("check")
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, f"ftpcd: {self.tree}: the file system has no inode left (df -i {self.tree})\n")
            self.assertEqual(control.code("MKD 0"), 521, "what is there is still told apart")
            self.assertEqual(control.code("CWD 0"), 250)
            mount("-o", "remount,nr_inodes=400", self.tree)
            self.assertEqual(control.code("MKD room-again"), 257)
        self.assertTrue((self.home / "0/room-again").is_dir())

    def test_a_path_that_finds_no_room_half_way_is_logged_as_far_as_it_was_made(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("SITE MKDIR " + "/".join(str(i) for i in range(60))), 452)
        made = sorted(directories_in(self.home), key=len)
        self.assertTrue(20 <= len(made) < 40, len(made))
        self.server.log.wait_for(rf"event=directory-made id=\d+ user=alice path=/{made[-1]} made={len(made)}$")

    def test_ftpc_names_each_path_that_found_no_room(self):
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(self.server).returncode, 0)
        names = [f"d{i}" for i in range(60)]
        done = user.ftpc("mkdir", *names)
        self.assertEqual(done.returncode, 1)
        made = [line[1:] for line in done.stdout.splitlines()]
        failed = [line.split(": ")[1] for line in done.stderr.splitlines()]
        self.assertEqual(sorted(made + failed), sorted(names))
        self.assertEqual(directories_in(self.home), set(made))
        self.assertEqual(set(done.stderr.splitlines()), {f"ftpc: {name}: No space left on device" for name in failed})

    def test_a_read_only_file_system_answers_550(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("MKD before"), 257)
            mount("-o", "remount,ro", self.tree)
            for line in ["MKD refused", "SITE MKDIR refused/deep", "XMKD before/refused"]:
                answer = control.ask(line)
                self.assertEqual((answer.code, answer.text), (550, "Read-only file system"), line)
            self.server.log.wait_for(r'event=directory-failed id=\d+ user=alice path=/refused error="Read-only file system"$')
            self.assertIn("the file system is read-only", self.server.site.ftpcd("check").stderr)
            self.assertEqual(control.code("MKD before"), 521)
            self.assertEqual(control.code("SITE MKDIR before"), 250)
            mount("-o", "remount,rw", self.tree)
            self.assertEqual(control.code("MKD after"), 257)
        self.assertEqual(directories_in(self.home), {"before", "after"})


class SmallFileSystemWithoutDurability(SmallFileSystem):
    durability = "none"


class ForbiddenParent(EndToEndTest):
    def test_of_a_long_path_that_is_refused_the_log_has_the_beginning(self):
        server = self.serve()
        closed = server.site.root / "alice/closed"
        closed.mkdir()
        closed.chmod(0o555)
        path = "/closed" + 4 * ("/" + 200 * "n")
        with logged_in(server.port) as control:
            self.assertEqual(control.code(f"SITE MKDIR {path}"), 550)
        line = server.log.wait_for(r'event=directory-failed id=\d+ user=alice path-begins=(\S+) path-bytes=(\d+) error="Permission denied"$')
        self.assertEqual((line[1], line[2]), (path[:700], str(len(path))))

    def test_a_parent_that_is_not_the_server_s_is_550(self):
        server = self.serve()
        parent = server.site.root / "alice/closed"
        parent.mkdir()
        parent.chmod(0o555)
        with logged_in(server.port) as control:
            answer = control.ask("MKD closed/x")
            self.assertEqual((answer.code, answer.text), (550, "Permission denied"))
            server.log.wait_for(r'event=directory-failed id=\d+ user=alice path=/closed/x error="Permission denied"$')
            self.assertEqual(control.code("SITE MKDIR closed/x/y"), 550)
            for line in ["MKD missing/x", "MKD closed"]:  # a user's mistake is no trouble of the server's
                self.assertIn(control.code(line), (550, 521))
        self.assertEqual(directories_in(server.site.root / "alice"), {"closed"})

    def test_a_home_that_is_gone_is_no_login_and_nothing_is_made(self):
        server = self.serve()
        (server.site.root / "alice").rmdir()
        with connect(server.port) as control:
            self.assertEqual(control.log_in(), (530, "Your home directory is not there; ask the administrator."))
            self.assertEqual(control.code("MKD x"), 530)
        server.log.wait_for(r"event=home-unusable id=\d+ user=alice peer=127\.0\.0\.1 home=alice error=\"No such file or directory\"$")
        self.assertEqual(directories_in(server.site.root), set())


if __name__ == "__main__":
    unittest.main()
