"""Where ftpc keeps its logins: whose files they are, and what it says before it asks if it cannot keep anything."""
import os
import pathlib
import stat
import subprocess
import unittest

from harness import FTPC, IS_ROOT, PASSWORD, SANITIZED, SharedServerTest, run
from ftpc_client import FtpcUser, Terminal

USER = GROUP = 65534  # nobody, on every Linux


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class FtpcState(SharedServerTest):
    def setUp(self):
        self.user = FtpcUser(self.make_directory())

    def assert_refused_unasked(self, *says, **options):
        """`ftpc login` at a terminal ends with these words, without a question."""
        command = [FTPC, "login", f"alice@{self.server.address}"]
        with Terminal(*options.pop("wrapper", []), *command, env=self.user.environment, **options) as terminal:
            self.assertEqual(terminal.wait(), 1, terminal.seen)
        for words in says:
            self.assertIn(words, terminal.seen)
        for question in ("Password", "Trust it"):
            self.assertNotIn(question, terminal.seen)

    def test_directories_are_made_for_their_user_alone_with_any_umask(self):
        for number, umask in enumerate((0, 0o022, 0o077, 0o777)):
            with self.subTest(umask=oct(umask)):
                user = FtpcUser(self.make_directory())
                words = [FTPC, "login", f"alice@{self.server.address}", "--accept-new", "--password-stdin"]
                done = run(*words, input=PASSWORD + "\n", env=user.environment, umask=umask)
                self.assertEqual(done.returncode, 0, done.stderr)
                for directory in (user.state, user.state.parent, user.state.parent.parent):
                    self.assertEqual(mode(directory), 0o700, directory)
                for file in user.state.iterdir():
                    self.assertEqual(mode(file), 0o600, file)

    def test_a_state_home_that_is_no_place_for_files_is_named_before_anything_is_asked(self):
        home = self.user.home
        (home / "file").write_text("")
        (home / "dangling").symlink_to(home / "nowhere")
        for place, says in [(home / "file", f"{home}/file: is not a directory"),
                            ("/dev/full", "/dev/full: is not a directory"),
                            (home / "dangling", f"{home}/dangling: is a symbolic link that leads nowhere"),
                            ("/proc/self/state", "/proc/self/state")]:
            with self.subTest(place=place):
                self.user.environment["XDG_STATE_HOME"] = str(place)
                self.assert_refused_unasked(says, "set XDG_STATE_HOME to a directory of yours")

    def test_a_relative_state_home_is_not_used(self):
        self.user.environment["XDG_STATE_HOME"] = "relative"
        self.assertEqual(self.user.log_in(self.server, ).returncode, 0)
        self.assertTrue((self.user.state / "sessions").exists())

    def test_a_state_home_may_be_missing_or_a_link_to_a_directory(self):
        (self.user.home / "real").mkdir(mode=0o700)
        (self.user.home / "link").symlink_to("real")
        for place in ("a/b/c", "link"):
            self.user.environment["XDG_STATE_HOME"] = str(self.user.home / place)
            self.assertEqual(self.user.log_in(self.server).returncode, 0)
            self.assertTrue((self.user.home / place / "ftpc/sessions").exists())

    def test_state_that_others_may_change_is_refused_before_anything_is_asked(self):
        self.assertEqual(self.user.log_in(self.server).returncode, 0)
        for name in (".", "sessions", "known_servers"):
            path = self.user.state / name
            good = mode(path)
            for bad in (0o777, 0o770):
                path.chmod(bad)
                self.assert_refused_unasked("can be read or changed by others, so it is not used", "chmod ")
            path.chmod(good)
        self.assertEqual(self.user.ftpc("mkdir", "-p", "still-works").returncode, 0)

    @unittest.skipIf(SANITIZED, "a sanitizer's library writes files of its own")
    def test_a_logout_that_cannot_be_noted_says_what_the_server_did(self):
        self.assertEqual(self.user.log_in(self.server).returncode, 0)
        done = self.user.ftpc("logout", preexec_fn=no_file_may_grow)
        self.assertEqual(done.returncode, 1)
        self.assertIn("sessions: File too large", done.stderr)
        self.assertIn("The server has ended the session", done.stderr)

    @unittest.skipIf(SANITIZED, "a sanitizer's library writes files of its own")
    def test_a_file_that_may_not_grow_is_said_before_anything_is_asked(self):
        words = [FTPC, "login", f"alice@{self.server.address}"]
        with Terminal("prlimit", "--fsize=0", *words, env=self.user.environment) as terminal:
            self.assertEqual(terminal.wait(), 1, terminal.seen)
        self.assertIn("sessions: File too large", terminal.seen)
        self.assertNotIn("Password", terminal.seen)

    def test_a_login_that_is_refused_leaves_the_one_before(self):
        self.assertEqual(self.user.log_in(self.server).returncode, 0)
        before = (self.user.state / "sessions").read_bytes()
        self.assertEqual(self.user.log_in(self.server, password="wrong").returncode, 3)
        self.assertEqual((self.user.state / "sessions").read_bytes(), before)


def no_file_may_grow():
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@unittest.skipUnless(IS_ROOT, "only root has the files of others")
class FtpcStateOfAnother(SharedServerTest):
    def setUp(self):
        self.user = FtpcUser(self.make_directory())
        self.as_root = self.user.ftpc
        os.chown(self.user.home, USER, GROUP)

    def as_user(self, *arguments, **options):
        return self.user.ftpc(*arguments, user=USER, group=GROUP, extra_groups=[], **options)

    def log_in(self, who):
        done = who("login", f"alice@{self.server.address}", "--accept-new", "--password-stdin", input=PASSWORD + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)

    def owners(self):
        found = [self.user.home / ".local", self.user.home / ".local/state", self.user.state, *self.user.state.iterdir()]
        return {(os.stat(path).st_uid, os.stat(path).st_gid) for path in found}

    def test_root_with_the_home_of_a_user_leaves_files_of_that_user(self):
        for first in (self.as_root, self.as_user):
            with self.subTest(first=first.__name__):
                subprocess.run(["rm", "-rf", self.user.home / ".local"], check=True)
                self.log_in(first)
                self.log_in(self.as_root)
                self.assertEqual(self.owners(), {(USER, GROUP)})
                done = self.as_user("mkdir", "-p", "mine")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.as_root("status").returncode, 0)
                self.assertEqual(self.as_root("logout").returncode, 0)
                self.log_in(self.as_user)
                self.assertEqual(self.owners(), {(USER, GROUP)})

    def test_root_writes_nothing_where_that_user_could_not(self):
        place = self.make_directory()  # root's own
        place.chmod(0o755)
        (self.user.home / ".local").mkdir()
        os.chown(self.user.home / ".local", USER, GROUP)
        (self.user.home / ".local/state").symlink_to(place / "new")
        self.as_root("login", f"alice@{self.server.address}", "--accept-new", "--password-stdin", input=PASSWORD + "\n")
        self.assertEqual(list(place.iterdir()), [])

    def test_files_that_an_earlier_root_left_are_named_with_what_to_do(self):
        self.log_in(self.as_user)
        for name in (".", "sessions", "known_servers"):
            path = self.user.state / name
            os.chown(path, 0, 0)
            for who in (self.as_user, self.as_root) if name != "." else (self.as_user,):
                done = who("login", f"alice@{self.server.address}", "--password-stdin", input=PASSWORD + "\n")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(f"{os.path.normpath(path)} belongs to root, not to nobody", os.path.normpath(done.stderr))
                self.assertIn(f"sudo chown -R {USER} ", done.stderr)
            os.chown(path, USER, GROUP)
        self.assertEqual(self.as_user("mkdir", "-p", "again").returncode, 0)

    def test_the_home_of_another_user_is_named_before_anything_is_asked(self):
        os.chown(self.user.home, 0, 0)
        self.user.home.chmod(0o755)
        words = ["setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups", FTPC, "login",
                 f"alice@{self.server.address}"]
        with Terminal(*words, env=self.user.environment) as terminal:
            self.assertEqual(terminal.wait(), 1, terminal.seen)
        self.assertIn(f"{self.user.home} belongs to root, not to nobody", terminal.seen)
        self.assertIn("XDG_STATE_HOME", terminal.seen)
        self.assertNotIn("Password", terminal.seen)

    def test_a_read_only_or_full_home_is_said_before_anything_is_asked(self):
        command = " && ".join(["mount -t tmpfs -o size=16k none '{0}'", "{1}", "exec '{2}' login alice@{3}"])
        for what, says in [(f"mount -o remount,ro '{self.user.home}'", "Read-only file system"),
                           (f"(cat /dev/zero >'{self.user.home}/full' 2>/dev/null; true)", "No space left")]:
            with self.subTest(what=what):
                script = command.format(self.user.home, what, FTPC, self.server.address)
                with Terminal("unshare", "--mount", "--propagation", "private", "sh", "-c", script,
                              env=self.user.environment) as terminal:
                    self.assertEqual(terminal.wait(), 1, terminal.seen)
                self.assertIn(says, terminal.seen)
                self.assertNotIn("Password", terminal.seen)
                self.assertNotIn("Trust it", terminal.seen)

    def test_a_session_in_a_read_only_home_is_good_for_commands(self):
        script = " && ".join([f"mount -t tmpfs none '{self.user.home}'",
                              f"echo '{PASSWORD}' | '{FTPC}' login alice@{self.server.address} --accept-new --password-stdin",
                              f"mount -o remount,ro '{self.user.home}'", f"'{FTPC}' mkdir -p read/only && '{FTPC}' status"])
        done = run("unshare", "--mount", "--propagation", "private", "sh", "-c", script, env=self.user.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/read/only\n", done.stdout)


class ServerDirectories(SharedServerTest):
    def test_directories_above_the_data_can_be_changed_by_their_owner_alone(self):
        for umask in (0, 0o777):
            site = self.make_site(users=())
            above = pathlib.Path(site.directory / "a")
            site.configure(data=above / "b/data")
            done = site.ftpcd("user", "add", "bob", "--password-stdin", input=PASSWORD + "\n", umask=umask)
            self.assertEqual(done.returncode, 0, done.stderr)
            for directory in (above, above / "b"):
                self.assertEqual(mode(directory), 0o755 if IS_ROOT else 0o700)


if __name__ == "__main__":
    unittest.main()
