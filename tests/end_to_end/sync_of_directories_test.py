"""File systems whose directories cannot be synced, or that cannot be synced as a whole."""
import errno
import os
import unittest

from harness import EndToEndTest, tree_owner
from control_client import logged_in
from faults import Faults
from ftpc_client import FtpcUser
from hanging_file_system import FSYNCDIR, HangingFileSystem, needs_fuse

FAILED = (451, "The directory may not be on disk: Input/output error")
NO_SYNC = (451, "The directory may not be on disk: the file system can sync neither directories nor itself")
FOR_EVER = 1_000_000


class WithoutFsync(EndToEndTest):
    def test_the_file_system_is_synced_instead_by_every_writer(self):
        for number in (errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.EOPNOTSUPP):
            with self.subTest(os.strerror(number)):
                site = self.make_site()
                faults = Faults(site.directory)
                # Files can be synced there, directories cannot.
                faults.fail("fsync-directory", number, times=FOR_EVER)
                done = site.ftpcd("user", "add", "bob", "--password-stdin", input="secret\n", env=faults.environment)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                server = self.start(site, env=faults.environment)
                user = FtpcUser(self.make_directory())
                user.environment.update({name: faults.environment[name] for name in ("LD_PRELOAD", "FTPC_FAULTS")})
                self.assertEqual(user.log_in(server).returncode, 0, "auth writes sessions.db, ftpc what it has saved")
                made = user.ftpc("mkdir", "-p", "a", "b/c")
                self.assertEqual((made.returncode, made.stderr), (0, ""))
                check = site.ftpcd("check", env=faults.environment)
                self.assertIn("directories are made durable by syncfs only", check.stdout)
                self.assertEqual(server.stop(), 0)


@needs_fuse
class Fuse(EndToEndTest):
    hand_over = "auto"

    def setUp(self):
        site = self.make_site(hand_over=self.hand_over)
        self.fuse = HangingFileSystem(site.root / "alice", tree_owner())
        self.addCleanup(self.fuse.unmount)
        self.server = self.start(site)

    def test_every_parent_is_synced_by_itself_however_many_they_are(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("SITE MKDIR " + "/".join("d" * 20)), 257)
            self.assertEqual(set(self.fuse.fsyncdir_nodes), set(range(1, 21)))
            self.fuse.fsyncdir_nodes.clear()
            path = "d"
            commands = []
            for _ in range(20):
                commands.append(f"MKD {path}/more")
                path += "/d"
            self.assertEqual({reply.code for reply in control.pipeline(commands)}, {257})
            self.assertLessEqual(set(range(2, 22)), set(self.fuse.fsyncdir_nodes))

    def test_a_doubt_ends_with_the_parents_themselves(self):
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("MKD before"), 257)
            self.fuse.errors[FSYNCDIR] = errno.EIO
            self.assertEqual(control.ask("MKD a"), FAILED)
            for line in ("MKD a", "SITE MKDIR a", "MKD a/b"):
                self.assertEqual(control.ask(line), FAILED, line)
            self.fuse.errors.clear()
            self.fuse.fsyncdir_nodes.clear()
            self.assertEqual(control.code("MKD a/c"), 257)
            self.assertEqual(self.fuse.fsyncdir_nodes, [3, 1], "the parent, and what is above it")
            self.assertEqual(control.code("MKD a/d"), 257)
            self.assertEqual(self.fuse.fsyncdir_nodes, [3, 1, 3])

    def test_if_nothing_can_be_synced_the_reply_and_check_say_so(self):
        self.fuse.errors[FSYNCDIR] = errno.EINVAL
        with logged_in(self.server.port) as control:
            self.assertEqual(control.ask("MKD a"), NO_SYNC)
            self.assertEqual(control.ask("SITE MKDIR a/b/c"), NO_SYNC)


@needs_fuse
class FuseOnTheLoop(Fuse):
    hand_over = "never"


@needs_fuse
class TreeOnFuse(EndToEndTest):
    def test_check_says_the_promise_of_the_file_system(self):
        site = self.make_site(users=())
        top = site.directory / "tree"
        top.mkdir()
        fuse = HangingFileSystem(top, tree_owner())
        self.addCleanup(fuse.unmount)
        site.configure(root=top)
        self.start(site)
        self.assertIn(f"ftpcd: {top}: fuse: directories are made durable by fsync, if the server behind it keeps its word\n",
                      site.ftpcd("check").stdout)
        fuse.errors[FSYNCDIR] = errno.EINVAL
        check = site.ftpcd("check")
        self.assertEqual(check.returncode, 1)
        self.assertEqual(check.stderr, f"ftpcd: {top}: fuse: cannot promise durability: "
                                       "the file system can sync neither directories nor itself\n")
        site.configure(durability="none")
        self.assertEqual(site.ftpcd("check").returncode, 0, "nothing is promised then")


if __name__ == "__main__":
    unittest.main()
