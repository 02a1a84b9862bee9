"""`check`, `why` and `user` know what the kernel allows the server, and their advice mends it."""
import contextlib
import os
import re
import shutil
import subprocess
import unittest

from harness import IS_ROOT, EndToEndTest, run, tree_owner
from control_client import connect

REMEDY = re.compile("; mend with: (.*?)\\)?$", re.MULTILINE)


def shell(command):
    subprocess.run(["sh", "-c", command], check=True)


def has_attributes(directory):
    """Whether chattr works on this file system."""
    if not shutil.which("chattr") or run("chattr", "+i", directory).returncode != 0:
        return False
    shell(f"chattr -i {directory}")
    return True


def can_make(server, name):
    """Whether a client gets a login and a directory."""
    with connect(server.port) as control:
        return control.log_in().code == 230 and control.code(f"MKD {name}") == 257


@unittest.skipUnless(IS_ROOT, "SKIPPED: homes of another user need root")
class Permissions(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.site = self.server.site
        self.home = self.site.root / "alice"
        self.user, self.group = tree_owner()
        self.count = 0

    def needs_acls(self):
        if not shutil.which("setfacl") or run("setfacl", "-m", "u:0:rwx", self.home).returncode != 0:
            self.skipTest("SKIPPED: no ACLs here")
        shell(f"setfacl -b {self.home}")

    def needs_attributes(self):
        if not has_attributes(self.site.directory):
            self.skipTest("SKIPPED: no attributes here")

    def chattr(self, flag, path):
        shell(f"chattr +{flag} {path}")
        self.addCleanup(run, "chattr", f"-{flag}", path)

    def can_make(self):
        self.count += 1
        return can_make(self.server, f"d{self.count}")

    def assert_fine(self):
        self.assertTrue(self.can_make())
        for command in (("check",), ("why", "alice")):
            done = self.site.ftpcd(*command)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn("home          alice/\n", self.site.ftpcd("user", "show", "alice").stdout)

    def refusals(self):
        """That of each command, in the same words."""
        self.assertFalse(self.can_make())
        check, why, show = (self.site.ftpcd(*words) for words in (("check",), ("why", "alice"), ("user", "show", "alice")))
        self.assertEqual((check.returncode, why.returncode), (1, 1), why.stdout)
        text = re.search(r"home of alice: (.*)", check.stderr)[1]
        self.assertIn(f"the home {self.home}: {text}\n", why.stdout)
        self.assertIn(f"home          alice/ ({text})\n", show.stdout)
        return text

    def assert_mended(self, remedy):
        """The server cannot make directories, and then it can: by the advice."""
        text = self.refusals()
        self.assertTrue(text.endswith(f"; mend with: {remedy}"), text)
        shell(remedy)
        self.assert_fine()

    def test_a_home_whose_owner_may_not_write(self):
        self.home.chmod(0o555)
        self.assert_mended(f"chmod u+rwx {self.home}")

    def test_a_home_of_another_owner(self):
        os.chown(self.home, 0, 0)
        self.assert_mended(f"chown {self.user}:{self.group} {self.home}")

    def test_a_home_of_another_owner_who_may_not_write(self):
        os.chown(self.home, 0, 0)
        self.home.chmod(0o555)
        self.assert_mended(f"chown {self.user}:{self.group} {self.home} && chmod u+rwx {self.home}")

    def test_a_home_that_is_open_to_a_group_or_to_all(self):
        for group, mode in ((self.group, 0o770), (0, 0o707)):
            os.chown(self.home, 0, group)
            self.home.chmod(mode)
            self.assert_fine()

    def test_a_home_that_may_be_written_but_not_read(self):
        self.home.chmod(0o300)
        self.assert_fine()

    def test_a_home_that_an_acl_opens(self):
        self.needs_acls()
        os.chown(self.home, 65534, 65534)
        self.home.chmod(0o750)
        shell(f"setfacl -m u:{self.user}:rwx {self.home}")
        self.assert_fine()

    def test_a_home_that_an_acl_closes(self):
        self.needs_acls()
        os.chown(self.home, 65534, self.group)
        self.home.chmod(0o770)
        shell(f"setfacl -m u:0:rwx,g::r-x {self.home}")
        self.assertEqual(self.home.stat().st_mode & 0o777, 0o770, "by its mode it is open")
        self.assert_mended(f"setfacl -m u:{self.user}:rwx {self.home}")

    def test_a_home_that_the_mask_of_an_acl_closes(self):
        self.needs_acls()
        os.chown(self.home, 65534, 65534)
        shell(f"setfacl -m u:{self.user}:rwx,m::r-x {self.home}")
        self.assert_mended(f"setfacl -m u:{self.user}:rwx {self.home}")

    def test_a_tree_that_may_not_be_searched(self):
        os.chown(self.site.root, 0, 0)
        self.site.root.chmod(0o700)
        self.assertIn(f", because of {self.site.root}: ", self.refusals())
        self.assert_mended(f"chmod a+x {self.site.root}")

    def test_a_tree_that_an_acl_closes(self):
        self.needs_acls()
        os.chown(self.site.root, 0, 0)
        shell(f"setfacl -m u:{self.user}:rw- {self.site.root}")
        self.assert_mended(f"setfacl -m u:{self.user}:x {self.site.root}")

    def test_a_directory_above_a_home(self):
        above = self.site.root / "staff"
        done = self.site.ftpcd("user", "add", "bob", "--home", "staff/bob", "--password-stdin", input="x\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        above.chmod(0o600)
        done = self.site.ftpcd("check")
        self.assertIn(f"{above}/bob: home of bob: the server cannot make directories there, because of {above}: Permission denied", done.stderr)
        shell(REMEDY.search(done.stderr)[1])
        self.assert_fine()

    def test_a_link_to_a_home_behind_a_closed_directory(self):
        closed = self.site.root / "closed"
        closed.mkdir()
        self.home.rename(closed / "alice")
        self.home.symlink_to("closed/alice")
        closed.chmod(0o700)
        self.assertIn(f"; the directories behind its links are shown by: namei -l {self.home}", self.refusals())
        closed.chmod(0o711)
        self.assert_fine()

    def test_an_immutable_home(self):
        self.needs_attributes()
        self.chattr("i", self.home)
        self.assert_mended(f"chattr -i {self.home}")

    def test_a_home_that_is_only_added_to(self):
        self.needs_attributes()
        self.chattr("a", self.home)
        self.assert_fine()

    def test_a_home_that_is_mounted_read_only(self):
        shell(f"mount --bind {self.home} {self.home} && mount -o remount,bind,ro {self.home}")
        self.addCleanup(run, "umount", "--lazy", self.home)
        self.assert_mended(f'mount -o remount,rw "$(findmnt -n -o TARGET -T {self.home})"')

    def test_a_user_who_is_added_with_a_home_that_cannot_be_used(self):
        (self.site.root / "bob").mkdir()
        done = self.site.ftpcd("user", "add", "bob", "--password-stdin", input="x\n")
        self.assertEqual((done.returncode, done.stdout), (1, "added bob (home bob/, which was there already)\n"))
        self.assert_one_line(done.stderr, f"{self.site.root}/bob: the server cannot make directories there: Permission denied; mend with: ")
        shell(REMEDY.search(done.stderr)[1])
        self.assert_fine()

    def test_homes_of_very_many_users_are_asked_for_at_once(self):
        text = self.site.users_db.read_text(encoding="utf-8")
        line = re.search("^user alice .*\n", text, re.M)[0]
        more = "".join(line.replace("user alice ", f"user u{i} ").replace(" alice", f" u{i}") for i in range(3000))
        self.site.users_db.write_text(text + more, encoding="utf-8")
        done = self.site.ftpcd("check")
        self.assertEqual(done.stderr.count("home of u"), 3000)


@unittest.skipUnless(IS_ROOT, "SKIPPED: files of another user need root")
class PermissionsOfData(EndToEndTest):
    def setUp(self):
        self.site = self.make_site()
        server = self.start(self.site)
        self.assertTrue(can_make(server, "x"))  # then there is a login-history
        self.assertEqual(server.stop(), 0)
        status = self.site.users_db.stat()
        self.auth = f"{status.st_uid}:{status.st_gid}"

    def needs_attributes(self):
        if not has_attributes(self.site.directory):
            self.skipTest("SKIPPED: no attributes here")

    def assert_mended(self, where, what, remedy):
        done = self.site.ftpcd("check")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, f"ftpcd: {where}: the login service cannot {what}: ", f"; mend with: {remedy}\n")
        shell(remedy)
        done = self.site.ftpcd("check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_files_of_root_or_that_nobody_may_read(self):
        for name in ("users.db", "sessions.db", "login-history"):
            file = self.site.data / name
            file.touch(0o600)
            os.chown(file, 0, 0)
            self.assert_mended(file, "read and replace it", f"chown {self.auth} {file} && chmod 600 {file}")
            file.chmod(0)
            self.assert_mended(file, "read and replace it", f"chmod 600 {file}")

    def test_files_that_may_not_be_replaced(self):
        self.needs_attributes()
        for flag in "ia":
            file = self.site.users_db
            shell(f"chattr +{flag} {file}")
            with contextlib.ExitStack() as cleanup:
                cleanup.callback(run, "chattr", f"-{flag}", file)
                why = self.site.ftpcd("why", "alice")
                self.assertEqual(why.returncode, 1)
                self.assertIn(f"chattr -{flag} {file}", why.stderr)
                self.assert_mended(file, "read and replace it", f"chattr -{flag} {file}")

    def test_a_directory_whose_files_may_not_be_replaced(self):
        self.needs_attributes()
        shell(f"chattr +i {self.site.data}")
        self.addCleanup(run, "chattr", "-i", self.site.data)
        self.assert_mended(self.site.data, "make files there", f"chattr -i {self.site.data}")

    def test_a_directory_that_an_acl_closes(self):
        if not shutil.which("setfacl") or run("setfacl", "-m", "u:0:rwx,g::r-x", self.site.data).returncode != 0:
            self.skipTest("SKIPPED: no ACLs here")
        self.assertEqual(self.site.data.stat().st_mode & 0o7777, 0o1770, "by its mode it is open")
        self.assert_mended(self.site.data, "make files there", f"setfacl -m u:{self.auth.split(':')[0]}:rwx {self.site.data}")


if __name__ == "__main__":
    unittest.main()
