"""`ftpcd check` says all that is wrong, each with its place, and changes nothing."""
import os
import pathlib
import re
import subprocess
import unittest

from harness import FTPCD, IS_ROOT, EndToEndTest, run
from control_client import logged_in


def snapshot(directory):
    """Every file below with its contents, owner, permissions and time of change."""
    found = {}
    for where, names, files in os.walk(directory):
        for name in [*names, *files]:
            path = os.path.join(where, name)
            status = os.lstat(path)
            contents = pathlib.Path(path).read_bytes() if name in files else None
            found[path] = (contents, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
    return found


class CheckCommand(EndToEndTest):
    def setUp(self):
        self.server = self.serve(users=("alice", "bob"))
        self.site = self.server.site

    def assert_problems(self, *starts, flags=()):
        """One line for each of `starts`, and no other."""
        before = snapshot(self.site.directory)
        done = self.site.ftpcd("check", *flags)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        lines = done.stderr.splitlines()
        for start in starts:
            self.assertTrue(any(line.startswith(f"ftpcd: {start}") for line in lines), f"{start!r} is missing:\n{done.stderr}")
        self.assertEqual(len(lines), len(starts), done.stderr)
        self.assertEqual(snapshot(self.site.directory), before, "check changes nothing")

    def test_a_sound_directory_has_no_problems(self):
        done = self.site.ftpcd("check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("nothing wrong", done.stdout)

    def test_a_sound_directory_that_was_never_served_has_none_either(self):
        self.assertEqual(self.make_site().ftpcd("check").returncode, 0)

    def test_every_one_of_several_problems_is_named_with_its_place(self):
        with open(self.site.config, "a", encoding="utf-8") as config:
            config.write("no-such-setting = 1\nidle-timeout = soon\n")
        setting = self.site.config.read_text(encoding="utf-8").count("\n") - 1
        with open(self.site.users_db, "a", encoding="utf-8") as users:
            users.write("usr carol\nuser carol no-hash carol\n")
        line = self.site.users_db.read_text(encoding="utf-8").count("\n") - 1
        self.site.certificate.write_text("broken\n", encoding="utf-8")
        pepper = self.site.directory / "no-such-pepper"
        self.assert_problems(f"{self.site.config}:{setting}: there is no setting 'no-such-setting'",
                             f"{self.site.config}:{setting + 1}: idle-timeout must be",
                             f"{self.site.users_db}:{line}: 'usr' is neither realm nor user",
                             f"{self.site.users_db}:{line + 1}: ",
                             f"{self.site.certificate}: ",
                             f"{self.site.root}-elsewhere: No such file or directory",
                             "pepper-file: ",
                             flags=("--root", f"{self.site.root}-elsewhere", "--pepper-file", str(pepper)))

    def test_homes_that_are_missing_or_cannot_be_written(self):
        self.assertEqual(self.server.stop(), 0)
        self.site.root.rename(self.site.directory / "the users' tree")
        self.site.configure(root=self.site.directory / "the users' tree")
        self.server = self.start(self.site)
        (self.site.root / "alice").rmdir()
        (self.site.root / "bob").chmod(0o555)
        self.assert_problems(f"{self.site.root}/alice: home of alice: No such file or directory",
                             f"{self.site.root}/bob: home of bob: ")
        why = self.site.ftpcd("why", "alice").stdout
        remedies = re.findall("; mend with: (.*)", self.site.ftpcd("check").stderr)
        self.assertEqual(len(remedies), 2)
        self.assertIn(f"; mend with: {remedies[0]}\n", why)
        for remedy in remedies:
            subprocess.run(["sh", "-c", remedy], check=True)
        self.assertEqual(self.site.ftpcd("check").returncode, 0)
        for name in ("alice", "bob"):
            with logged_in(self.server.port, name) as session:
                self.assertEqual(session.code("MKD x"), 257)

    def test_a_key_that_others_can_read(self):
        key = self.site.data / "tls/key.pem"
        key.chmod(0o644)
        done = self.site.ftpcd("check")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{key}: ", done.stderr)
        self.assertIn(f"chmod 600 {key}", done.stderr)

    def test_a_certificate_of_ones_own(self):
        own, other = self.make_directory(), self.make_directory()
        for directory, kind in ((own, ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")), (other, ("rsa:2048",))):
            subprocess.run(["openssl", "req", "-x509", "-nodes", "-subj", "/CN=x", "-newkey", *kind, "-keyout", directory / "key.pem",
                            "-out", directory / "certificate.pem"], check=True, capture_output=True)
        gone = own / "gone.pem"
        self.assert_problems("certificate, key: are set together or not at all", flags=("--certificate", own / "certificate.pem"))
        self.assert_problems(f"{gone}: No such file", f"{gone}.key: No such file", flags=("--certificate", gone, "--key", f"{gone}.key"))
        for key in (self.site.data / "tls/key.pem", other / "key.pem"):  # of the same kind, and of another
            done = self.site.ftpcd("check", "--certificate", own / "certificate.pem", "--key", key)
            self.assertEqual((done.returncode, done.stderr), (1, f"ftpcd: {own}/certificate.pem: the key is not that of the certificate\n"))

    @unittest.skipUnless(IS_ROOT, "root reads what its owner cannot")
    def test_files_that_their_owner_cannot_read(self):
        with logged_in(self.server.port):  # then there is a login-history
            pass
        self.assertEqual(self.server.stop(), 0)
        for name in ("users.db", "login-history"):
            file = self.site.data / name
            file.chmod(0)
            self.assert_problems(f"{file}: the login service cannot read and replace it: Permission denied; mend with: chmod 600 {file}")
            file.chmod(0o600)

    def test_a_home_that_leads_out_of_the_tree(self):
        home = self.site.root / "alice"
        home.rmdir()
        home.symlink_to("/tmp")
        self.assert_problems(f"{home}: home of alice: leads out of the tree")

    def test_a_users_db_that_is_gone(self):
        self.site.users_db.unlink()
        self.assert_problems(f"{self.site.users_db}: there is none; put it back if it was lost")

    def test_a_users_db_that_others_can_read(self):
        self.site.users_db.chmod(0o644)
        self.assert_problems(f"{self.site.users_db}: ")

    def test_a_data_directory_that_others_can_change(self):
        self.site.data.chmod(0o777)
        self.assert_problems(f"{self.site.data}: ")

    def test_hashes_that_need_another_pepper(self):
        pepper = self.site.directory / "pepper"
        pepper.write_bytes(os.urandom(32))
        pepper.chmod(0o600)
        self.site.configure(pepper_file=pepper)
        self.site.add_user("carol")
        self.site.configure(pepper_file=None)
        self.assert_problems("users.db: carol cannot log in")

    @unittest.skipUnless(IS_ROOT, "only a server that root starts changes to system users")
    def test_system_users_that_are_missing(self):
        done = self.site.ftpcd("check", "--net-user", "nosuch")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no system user 'nosuch'; make it with: useradd", done.stderr)

    def test_a_data_directory_that_is_not_there(self):
        done = run(FTPCD, "check", "--data", "/nonexistent/data")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/data: No such file or directory", done.stderr)
        done = run(FTPCD, "check", "--data", "/nonexistent/data", "--certificate", "/nonexistent/own", "--key", "/nonexistent/key", "--pepper-file",
                   "/nonexistent/pepper")
        for what in ("data", "own", "key", "pepper"):
            self.assertIn(f"/nonexistent/{what}: No such file or directory", done.stderr)
        self.assertFalse(os.path.exists("/nonexistent"))


if __name__ == "__main__":
    unittest.main()
