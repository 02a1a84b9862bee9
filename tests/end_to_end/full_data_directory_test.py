"""No room for users.db: `ftpcd user` says so, exits with 1 and changes nothing; with room again it works."""
import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
import unittest

from harness import IS_ROOT, PASSWORD, EndToEndTest, directories_in, until
from control_client import can_log_in
from ftpc_client import FtpcUser


@unittest.skipUnless(IS_ROOT, "mounting a small file system needs root")
class FullDataDirectory(EndToEndTest):
    def setUp(self):
        self.disk = tempfile.mkdtemp(prefix="ftpcd-disk-")
        self.addCleanup(os.rmdir, self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=60,mode=755", "tmpfs", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)

    def fill_bytes(self):
        with contextlib.suppress(OSError), open(f"{self.disk}/filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    def fill_inodes(self):
        with contextlib.suppress(OSError):
            for number in range(1000):
                os.mkdir(f"{self.disk}/filler{number}")

    def make_room(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.disk}/filler")
        for entry in os.listdir(self.disk):
            if entry.startswith("filler"):
                os.rmdir(f"{self.disk}/{entry}")

    def write_sessions_db(self, site, bytes_left):
        """One that says nothing, readable for the server alone."""
        size = os.sysconf("SC_PAGE_SIZE") - bytes_left
        text = (size // 100 + 1) * (b"#" * 99 + b"\n")
        (site.data / "sessions.db").write_bytes(text[-size:])
        shutil.copystat(site.users_db, site.data / "sessions.db")
        os.chown(site.data / "sessions.db", site.users_db.stat().st_uid, site.users_db.stat().st_gid)

    def check_all_refused(self, site, fill):
        before, tree = site.users_db.read_bytes(), directories_in(site.root)
        names = sorted(os.listdir(site.data))
        fill()
        for words in (["add", "carol", "--password-stdin"], ["add", "dave", "--home", "staff/new/dave", "--password-stdin"],
                      ["passwd", "alice", "--password-stdin"], ["lock", "alice"], ["del", "bob"]):
            done = site.ftpcd("user", *words, input=PASSWORD + "\n")
            self.assertEqual(done.returncode, 1, words)
            self.assert_one_line(done.stderr, "No space left on device")
            self.assertEqual(done.stdout, "")
            self.assertEqual(site.users_db.read_bytes(), before)
            self.assertEqual(directories_in(site.root), tree, "no home is left of a user who was not added")
            self.assertEqual(sorted(os.listdir(site.data)), names, "no temporary file is left")
        checked = site.ftpcd("check")
        self.assertEqual(checked.returncode, 1)
        self.assert_one_line(checked.stderr, "the file system has no ")
        self.make_room()
        site.add_user("carol")
        self.assertTrue((site.root / "carol").is_dir())

    def test_no_bytes_left(self):
        self.check_all_refused(self.make_site(users=("alice", "bob"), data=f"{self.disk}/data"), self.fill_bytes)

    def test_no_inodes_left(self):
        self.check_all_refused(self.make_site(users=("alice", "bob"), data=f"{self.disk}/data"), self.fill_inodes)

    def test_no_bytes_left_while_the_tree_has_room(self):
        tree = tempfile.mkdtemp(prefix="ftpcd-tree-")
        os.chmod(tree, 0o755)
        self.addCleanup(subprocess.run, ["rm", "-r", tree], check=True)
        self.check_all_refused(self.make_site(users=("alice", "bob"), data=f"{self.disk}/data", root=tree), self.fill_bytes)

    def test_a_running_server_neither_enrols_nor_ends_a_key_that_it_cannot_write_and_lives_on(self):
        site = self.make_site(data=f"{self.disk}/data")
        self.write_sessions_db(site, bytes_left=140)  # in its page: one key fits, and part of another
        server = self.start(site)
        first, second = FtpcUser(self.make_directory()), FtpcUser(self.make_directory())
        self.assertEqual(first.log_in(server).returncode, 0)
        before = (site.data / "sessions.db").read_bytes()
        self.fill_bytes()
        self.assertNotEqual(second.log_in(server).returncode, 0)
        server.log.wait_for(r'event=session-key-refused user=alice peer=\S+ reason="No space left on device"')
        logout = FtpcUser(self.make_directory())
        shutil.copytree(first.home, logout.home, dirs_exist_ok=True)
        done = logout.ftpc("logout")
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertIn("did not end the session", done.stderr)
        self.assertEqual((site.data / "sessions.db").read_bytes(), before)
        self.assertTrue(can_log_in(server.port))
        self.assertEqual(first.ftpc("status").returncode, 0, "what a restart would bring back has not ended")
        self.make_room()
        copy = FtpcUser(self.make_directory())
        shutil.copytree(first.home, copy.home, dirs_exist_ok=True)
        self.assertEqual(first.ftpc("logout").returncode, 0)
        self.assertEqual(copy.ftpc("status").returncode, 3, "now it has")
        until(lambda: second.log_in(server).returncode == 0, "with room again, keys are enrolled")

    def test_a_limit_of_the_size_of_files_is_such_an_error_too(self):
        site = self.make_site(data=f"{self.disk}/data")
        before, names = site.users_db.read_bytes(), sorted(os.listdir(site.data))
        done = site.ftpcd("user", "lock", "alice", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, "File too large")
        self.assertEqual((site.users_db.read_bytes(), sorted(os.listdir(site.data))), (before, names))


if __name__ == "__main__":
    unittest.main()
