"""A tree whose file system is not mounted, or is another one, is not served from what is there instead."""
import os
import shutil
import subprocess
import unittest

from harness import IS_ROOT, EndToEndTest, directories_in, make_system_users, tree_owner
from control_client import logged_in
from hanging_file_system import HangingFileSystem, needs_fuse

MARKER = ".ftpcd-tree"


@unittest.skipUnless(IS_ROOT, "mounting a file system needs root")
class MissingMount(EndToEndTest):
    def setUp(self):
        make_system_users()
        self.tree = self.make_directory() / "tree"
        self.tree.mkdir()
        self.disk = self.make_directory()
        self.mount(self.disk)
        os.chown(self.disk, *tree_owner())
        self.site = self.make_site(users=())
        self.site.configure(root=self.tree)

    def mount(self, disk, at=None):
        """Mounts the directory `disk` as if it were a disk of its own."""
        subprocess.run(["mount", "--bind", disk, at or self.tree], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", at or self.tree], check=False, stderr=subprocess.DEVNULL)

    def unmount(self, *how):
        subprocess.run(["umount", *how, self.tree], check=True)

    def assert_refused(self, words):
        """By everything that would make, or look for, something in the tree."""
        accept = f"rm {self.site.data}/trees"
        before = sorted(os.listdir(self.tree)) if self.tree.exists() else None
        for command in (["serve"], ["user", "add", "carol", "--generate"], ["why", "alice"], ["check"]):
            with self.subTest(command[0]):
                done = self.site.ftpcd(*command)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"ftpcd: {self.tree}: ", done.stderr)
                self.assertIn(words, done.stderr)
                self.assertIn(accept, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(sorted(os.listdir(self.tree)) if self.tree.exists() else None, before)

    def serve_and_stop(self):
        server = self.start(self.site)
        with logged_in(server.port) as control:
            self.assertIn(control.code("MKD made"), (257, 521))
        self.assertEqual(server.stop(), 0)

    def test_the_directory_beneath_is_not_taken_for_the_tree(self):
        self.site.add_user("alice")
        self.serve_and_stop()
        self.unmount()
        self.assert_refused("its file system seems not to be mounted")
        self.mount(self.disk)
        self.assertEqual(self.site.ftpcd("check").returncode, 0)
        self.serve_and_stop()

    def test_nor_if_only_a_user_was_added_before(self):
        self.site.add_user("alice")
        self.unmount()
        self.assert_refused("its file system seems not to be mounted")

    def test_nor_if_the_mount_point_is_gone_as_well(self):
        self.site.add_user("alice")
        self.unmount()
        self.tree.rmdir()
        self.assert_refused("is missing")

    def test_nor_if_it_has_the_homes_of_all_users(self):
        self.site.add_user("alice")
        self.unmount()
        (self.tree / "alice").mkdir()
        os.chown(self.tree / "alice", *tree_owner())
        self.assert_refused("its file system seems not to be mounted")

    def test_another_disk_is_not_taken_for_the_tree(self):
        other = self.make_directory()
        os.chown(other, *tree_owner())
        other_site = self.make_site(users=())
        other_site.configure(root=other)
        other_site.add_user("alice")
        self.site.add_user("alice")
        self.unmount()
        self.mount(other)
        self.assert_refused("another file system seems to be mounted")

    def test_a_server_goes_on_with_the_tree_that_it_has_open_and_check_names_the_mount(self):
        self.site.add_user("alice")
        server = self.start(self.site)
        with logged_in(server.port) as control:
            self.unmount("--lazy")
            self.assertEqual(control.code("MKD meanwhile"), 257)
            self.assertEqual(directories_in(self.disk / "alice"), {"meanwhile"})
            check = self.site.ftpcd("check")
            self.assertEqual(check.returncode, 1)
            self.assertIn("its file system seems not to be mounted", check.stderr)
            before = server.hang_up()
            server.log.wait_for("event=restart-needed setting=root ", before)
        self.assertEqual(list(self.tree.iterdir()), [])

    def test_users_that_were_there_before_the_tree_was_known_go_on(self):
        self.site.add_user("alice")
        (self.disk / MARKER).unlink()
        (self.site.data / "trees").unlink()
        self.serve_and_stop()
        self.assertTrue((self.disk / MARKER).is_file())
        self.unmount()
        self.assert_refused("its file system seems not to be mounted")

    def test_a_tree_that_is_moved_or_copied_whole_is_known_under_its_new_path(self):
        self.site.add_user("alice")
        elsewhere = self.make_directory() / "elsewhere"
        subprocess.run(["cp", "-a", self.disk, elsewhere], check=True)
        self.site.configure(root=elsewhere)
        self.serve_and_stop()
        shutil.rmtree(elsewhere)
        self.tree = elsewhere
        self.assert_refused("is missing")

    def test_a_tree_that_was_restored_without_its_marker_is_accepted_by_the_command_that_is_named(self):
        self.site.add_user("alice")
        (self.disk / MARKER).unlink()
        self.assert_refused("its file system seems not to be mounted")
        command = self.site.ftpcd("check").stderr.rpartition("accept it with: ")[2]
        subprocess.run(command, shell=True, check=True)
        self.serve_and_stop()
        self.assertTrue((self.disk / MARKER).is_file())

    def test_no_home_can_have_the_name_of_the_marker(self):
        for words in (["alice", "--home", MARKER], ["alice", "--home", f"{MARKER}/x"], [MARKER]):
            done = self.site.ftpcd("user", "add", *words, "--generate")
            self.assertEqual(done.returncode, 1, words)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_users_neither_see_nor_reach_the_marker(self):
        self.site.add_user("alice")
        server = self.start(self.site)
        with logged_in(server.port) as control:
            self.assertEqual(control.code(f"CWD ../{MARKER}"), 550)
            self.assertEqual(control.code(f"MKD /{MARKER}"), 257, "that is in the home")
            self.assertTrue((self.disk / "alice" / MARKER).is_dir())

    def test_a_tree_that_cannot_be_marked_is_served_and_the_log_says_so(self):
        self.site.add_user("alice")
        (self.disk / MARKER).unlink()
        (self.site.data / "trees").unlink()
        subprocess.run(["mount", "-o", "remount,bind,ro", self.tree], check=True)
        server = self.start(self.site)
        server.log.wait_for(f'event=tree-not-known path={self.tree} reason="{self.tree}/{MARKER}: Read-only file system" ')
        self.assertEqual((self.site.data / "trees").read_text(encoding="utf-8"), "")
        server.stop()
        subprocess.run(["mount", "-o", "remount,bind,rw", self.tree], check=True)
        self.serve_and_stop()
        self.assertTrue((self.disk / MARKER).is_file())


@needs_fuse
class TreeOnFuse(EndToEndTest):
    def setUp(self):
        self.site = self.make_site(users=())
        self.tree = self.make_directory() / "tree"
        self.tree.mkdir()
        fuse = HangingFileSystem(self.tree, tree_owner())
        self.addCleanup(fuse.unmount)
        self.site.configure(root=self.tree)

    def test_it_is_not_served_on_the_threads_that_serve_everybody(self):
        for durability in ("group", "none"):
            for done in (self.site.ftpcd("serve", "--hand-over", "never", "--durability", durability),
                         self.site.ftpcd("check", "--hand-over", "never", "--durability", durability)):
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"ftpcd: {self.tree}: fuse: if it does not answer, every client waits; set hand-over = auto", done.stderr)

    def test_nor_after_a_reload(self):
        server = self.start(self.site)
        self.site.configure(hand_over="never")
        before = server.hang_up()
        server.log.wait_for(f'event=reload-refused reason="{self.tree}: fuse: if it does not answer, every client waits', before)
        self.site.configure(hand_over="auto")
        server.log.wait_for("event=reloaded", server.hang_up())

    def test_the_start_says_what_its_promise_depends_on(self):
        server = self.start(self.site)
        server.log.wait_for(f'event=durability-warning path={self.tree} reason="fuse: .*, if the server behind it keeps its word"')

    def test_a_mount_below_the_tree_is_named_by_check_and_by_the_start(self):
        site = self.make_site()
        fuse = HangingFileSystem(site.root / "alice", tree_owner())
        self.addCleanup(fuse.unmount)
        self.assertIn(f"ftpcd: {site.root}/alice: fuse: directories are made durable by fsync, if ", site.ftpcd("check").stdout)
        self.start(site).log.wait_for(f"event=durability-warning path={site.root}/alice ")
        check = site.ftpcd("check", "--hand-over", "never")
        self.assertEqual(check.returncode, 1)
        self.assertIn(f"ftpcd: {site.root}/alice: fuse: if it does not answer, every client waits", check.stderr)


if __name__ == "__main__":
    unittest.main()
