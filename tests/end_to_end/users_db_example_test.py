"""users.db.example is a good users.db, and its user can log in with the password that it documents."""
import os
import pwd
import re
import shutil
import unittest

from harness import IS_ROOT, SOURCE, EndToEndTest, tree_owner
from control_client import logged_in
from ftpc_client import FtpcUser


class UsersDbExample(EndToEndTest):
    def test_its_user_logs_in_with_the_documented_password(self):
        example = SOURCE / "users.db.example"
        user, password = re.search(r"ftpc login (\w+) +with the password +(.*)\n", example.read_text(encoding="utf-8")).groups()
        site = self.make_site(users=("somebody",))  # makes the directories
        # The instructions of the file itself.
        shutil.copy(example, site.users_db)
        site.users_db.chmod(0o600)
        (site.root / user).mkdir()
        if IS_ROOT:
            secrets = pwd.getpwnam("ftpcd-auth")
            os.chown(site.users_db, secrets.pw_uid, secrets.pw_gid)
            os.chown(site.root / user, *tree_owner())

        check = site.ftpcd("check")
        self.assertEqual((check.returncode, check.stderr), (0, ""))
        server = self.start(site)
        ftpc_user = FtpcUser(self.make_directory())
        done = ftpc_user.log_in(server, user=user, password=password)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(ftpc_user.ftpc("mkdir", "from-ftpc").returncode, 0)
        with logged_in(server.port, user, password) as control:
            self.assertEqual(control.code("MKD from-any-client"), 257)


if __name__ == "__main__":
    unittest.main()
