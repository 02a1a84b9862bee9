"""ftpc login, mkdir, status and logout, as a user runs them one after the other."""
import json
import re
import shutil
import time
import unittest

from harness import FTPC, PASSWORD, SharedServerTest, directories_in, run, until
from ftpc_client import FtpcUser, Terminal


class FtpcCommands(SharedServerTest):
    def setUp(self):
        self.home = self.server.site.root / "alice"
        for entry in self.home.iterdir():  # by the test before this one
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.user = FtpcUser(self.make_directory())

    def log_in(self, *flags):
        done = self.user.log_in(self.server, *flags)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done

    def mkdir(self, *arguments, expect=0, **options):
        done = self.user.ftpc("mkdir", *arguments, **options)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def wait_until_logged_out(self):
        """The run of `ftpc status` that was the first to fail."""
        def failing_status():
            status = self.user.ftpc("status")
            return status if status.returncode != 0 else None
        return until(failing_status, "the session of one second has expired")

    def test_a_login_names_its_user_and_its_end(self):
        self.assertRegex(self.log_in().stdout,
                         r"^Logged in as alice until \d+ \w+ \d{4} \(end it with: ftpc logout\)\n$")

    def test_a_session_that_is_shorter_than_was_asked_for_is_said_to_be(self):
        self.assertIn(", the longest that the server allows (end it", self.log_in("--ttl", "30d").stdout)
        self.assertNotIn("the longest", self.log_in("--ttl", "7d").stdout)

    def test_a_host_that_was_given_as_a_user_is_explained(self):
        self.user.environment["FTPC_SERVER"] = "127.0.0.1:1"
        for words, says in [(["files.example.org"], "'files.example.org' was taken for a user; say it: ftpc login USER@HOST"),
                            (["alice", "127.0.0.1"], "say it: ftpc login USER@HOST[:PORT]"),
                            (["ftp://127.0.0.1:2122"], "say it: USER@HOST[:PORT]"),
                            (["127.0.0.1:2122"], "USER@HOST[:PORT]")]:
            done = self.user.ftpc("login", *words, "--password-stdin", input=PASSWORD + "\n")
            self.assertIn(done.returncode, (2, 4))
            self.assert_one_line(done.stderr.splitlines()[0] + "\n", says)
        self.user.environment["USER"] = ""
        done = self.user.ftpc("login", "@127.0.0.1:2122")
        self.assert_one_line(done.stderr.splitlines()[0] + "\n", "ftpc login USER@127.0.0.1:2122")

    def test_a_login_without_a_host_goes_to_ftpc_server_and_later_to_the_last_one(self):
        self.user.environment["FTPC_SERVER"] = self.server.address
        done = self.user.ftpc("login", "alice", "--password-stdin", "--accept-new", input=PASSWORD + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.user.environment["FTPC_SERVER"] = "127.0.0.1:1"
        done = self.user.ftpc("login", "--password-stdin", input=PASSWORD + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Logged in as alice", done.stdout)

    def test_the_files_of_a_login_are_for_its_user_only(self):
        self.log_in()
        self.assertEqual(self.user.state.stat().st_mode & 0o777, 0o700)
        for file in self.user.state.iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)

    def test_closed_standard_descriptors_are_not_taken_by_the_connection(self):
        self.log_in()
        def run_closed(words):
            return run("sh", "-c", f'exec "$0" {words}', FTPC, env=self.user.environment)
        self.assertEqual(run_closed("mkdir quiet 2>&- >&-").returncode, 1, "what was printed is lost")
        self.assertEqual(directories_in(self.home), {"quiet"})
        self.assert_one_line(run_closed("mkdir loud >&-").stderr, "standard output could not be written")
        done = run_closed("mkdir - <&-")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), "there were no paths to read")
        self.assertEqual(run_closed("mkdir loud -p 2>&- >&- <&-").returncode, 0, "there was nothing to print")

    def test_directories_are_made_and_printed(self):
        self.log_in()
        done = self.mkdir("inbox", "with space", "资料")
        self.assertEqual(done.stdout, "/inbox\n/with space\n/资料\n")
        self.assertEqual(directories_in(self.home), {"inbox", "with space", "资料"})

    def test_a_missing_parent_is_a_failure_without_p_and_made_with_it(self):
        self.log_in()
        done = self.mkdir("projects/2026/raw", expect=1)
        self.assertEqual(done.stderr, "ftpc: projects/2026/raw: No such file or directory\n")
        done = self.mkdir("-p", "projects/2026/raw", "资料/图片")
        self.assertEqual(done.stdout, "/projects/2026/raw\n/资料/图片\n")
        self.assertEqual(directories_in(self.home),
                         {"projects", "projects/2026", "projects/2026/raw", "资料", "资料/图片"})
        self.assertEqual(self.mkdir("-p", "projects/2026").stdout, "", "all of it was there")

    def test_each_failure_is_named_and_the_rest_is_still_done(self):
        self.log_in()
        self.mkdir("there")
        (self.home / "file").write_text("x", encoding="utf-8")
        done = self.mkdir("one", "there", "no/parent", "two", "file", "bad\tname", "x" * 300, "three", expect=1)
        self.assertEqual(done.stdout, "/one\n/two\n/three\n")
        # Refusals by ftpc itself are printed at once, the rest in the order of the replies.
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 5, done.stderr)
        for name, reason in [("there", "already exists"), ("no/parent", "No such file or directory"),
                             ("file", "File exists"), ("bad", "control character"), ("x" * 300, "too long")]:
            named = [line for line in lines if line.startswith(f"ftpc: {name}") and reason in line]
            self.assertEqual(len(named), 1, (name, done.stderr))
        self.assertEqual(directories_in(self.home), {"there", "one", "two", "three"})

    def test_paths_come_from_standard_input_one_a_line(self):
        self.log_in()
        done = self.mkdir("first", "-", "last", input="from\nstandard input\n最后一行")
        self.assertEqual(done.stdout, "/first\n/from\n/standard input\n/最后一行\n/last\n")

    def test_paths_on_standard_input_may_end_with_nul(self):
        self.log_in()
        done = self.mkdir("-0", "-", input="one\0two two\0三\0")
        self.assertEqual(done.stdout, "/one\n/two two\n/三\n")
        done = self.mkdir("-0", "-", input="line\nend\0good\0", expect=1)
        self.assertEqual(done.stdout, "/good\n")
        self.assertIn("control character", done.stderr)

    def test_thousands_of_paths_on_standard_input_are_all_made(self):
        self.log_in()
        names = [f"{i:04}-{'n' * 60}" for i in range(3000)]
        done = self.mkdir("-", input="\n".join(names) + "\n", seconds=60)
        self.assertEqual(done.stdout.splitlines(), ["/" + name for name in names])
        self.assertEqual(directories_in(self.home), set(names))

    def test_a_list_without_any_path_that_can_be_sent_keeps_nobody_waiting(self):
        self.log_in()
        done = self.mkdir("-", input="\n" * 1_000_000 + "good\n", expect=1, seconds=60)
        self.assertEqual(done.stdout, "/good\n")
        self.assertEqual(done.stderr.count("the path is empty\n"), 1_000_000)

    def test_json_is_one_object_a_line(self):
        logged_in = json.loads(self.log_in("--json").stdout)
        self.assertEqual((logged_in["user"], logged_in["server"], logged_in["logged_in"]),
                         ("alice", self.server.address, True))
        self.assertAlmostEqual(logged_in["expires"], time.time() + 7 * 86400, delta=600)
        done = self.mkdir("--json", "资料", 'quo"te', "资料", "no/parent", expect=1)
        self.assertEqual(done.stderr, "")
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], [
            {"path": "/资料", "made": True},
            {"path": '/quo"te', "made": True},
            {"path": "资料", "made": False, "error": "already exists", "code": 521},
            {"path": "no/parent", "made": False, "error": "No such file or directory", "code": 550}])
        done = self.mkdir("--json", "-p", "资料")
        self.assertEqual(json.loads(done.stdout), {"path": "/资料", "made": False})
        status = self.user.ftpc("status", "--json")
        self.assertEqual(json.loads(status.stdout)["logged_in"], True)
        out = self.user.ftpc("logout", "--json")
        self.assertEqual(json.loads(out.stdout)["logged_in"], False)
        failure = json.loads(self.mkdir("--json", "x", expect=3).stdout)
        self.assertEqual(failure["exit_status"], 3)

    def test_status_tells_whether_the_login_holds(self):
        status = self.user.ftpc("status")
        self.assertEqual(status.returncode, 3)
        self.assertIn("not logged in", status.stderr)
        self.log_in()
        status = self.user.ftpc("status")
        self.assertEqual(status.returncode, 0)
        self.assertRegex(status.stdout, rf"^Logged in as alice at {re.escape(self.server.address)} until ")

    def test_logout_ends_the_login_here_and_on_the_server(self):
        self.log_in()
        saved = {file: file.read_bytes() for file in self.user.state.iterdir()}
        done = self.user.ftpc("logout")
        self.assertEqual((done.returncode, done.stdout), (0, f"Logged out alice from {self.server.address}\n"))
        self.assertIn("not logged in", self.mkdir("x", expect=3).stderr)
        for file, contents in saved.items():  # somebody had kept a copy
            file.write_bytes(contents)
        self.assertIn("login refused", self.mkdir("x", expect=3).stderr)
        self.assertEqual(directories_in(self.home), set())

    def test_the_login_outlives_a_restart_of_the_server(self):
        # On the same port, or it would be another server to ftpc.
        server = self.serve()
        self.assertEqual(self.user.log_in(server).returncode, 0)
        self.assertEqual(server.stop(), 0)
        server.site.configure(listen=server.address)
        self.start(server.site)
        self.assertEqual(self.mkdir("after").stdout, "/after\n")

    def test_a_login_that_cannot_be_saved_leaves_the_one_before(self):
        self.log_in()
        def session_keys():
            return re.findall("session key .*", self.server.site.ftpcd("user", "show", "alice").stdout)

        before = session_keys()
        self.assertNotEqual(before, [])
        sessions = self.user.state / "sessions"
        with Terminal(FTPC, "login", f"alice@{self.server.address}", env=self.user.environment) as terminal:
            terminal.wait_for("Password for alice: ")  # so far it could be saved
            sessions.chmod(0o644)
            terminal.type(PASSWORD + "\n")
            self.assertEqual(terminal.wait(), 1, terminal.seen)
        self.assertIn("chmod 600", terminal.seen)
        sessions.chmod(0o600)
        self.mkdir("still-logged-in")
        # The key that was made for it, which nobody has, is gone.
        until(lambda: session_keys() == before, "as many session keys as before")

    def test_a_new_login_ends_the_one_before(self):
        self.log_in()
        before = FtpcUser(self.make_directory())
        shutil.copytree(self.user.home, before.home, dirs_exist_ok=True)
        self.log_in()
        self.mkdir("by-the-new-one")
        self.assertEqual(before.ftpc("mkdir", "by-the-old-one").returncode, 3)

    def test_an_expired_session_is_said_to_have_expired(self):
        self.log_in("--ttl", "1s")
        done = self.wait_until_logged_out()
        self.assertEqual(done.returncode, 3)
        done = self.mkdir("late", expect=3)
        self.assertRegex(done.stderr, "login refused by .* by the clock of this machine the session has expired\nLog in again: ftpc login alice@")
        self.assertEqual(directories_in(self.home), set())

    def set_expiry(self, seconds):
        sessions = self.user.state / "sessions"
        text = re.sub(r"\d{10}$", str(seconds), sessions.read_text(encoding="utf-8"), flags=re.MULTILINE)
        sessions.write_text(text, encoding="utf-8")

    def test_a_session_that_has_expired_by_a_wrong_clock_goes_on(self):
        self.log_in()
        self.set_expiry(int(time.time()) - 86400)  # as with a clock that is eight days ahead
        self.assertEqual(self.mkdir("x").stdout, "/x\n")
        status = self.user.ftpc("status")
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertRegex(status.stdout, r"^Logged in as alice at .* until .*, which has passed by the clock of this machine\n$")
        self.assertEqual(self.user.ftpc("logout").returncode, 0)

    def test_the_server_does_not_take_a_client_s_word_for_the_expiry(self):
        self.log_in("--ttl", "1s")
        self.set_expiry(int(time.time()) + 86400)
        done = self.wait_until_logged_out()
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("login refused", self.mkdir("late", expect=3).stderr)

    def test_another_user_of_the_same_machine_is_not_logged_in_by_it(self):
        self.log_in()
        other = FtpcUser(self.make_directory())
        self.assertEqual(other.ftpc("mkdir", "x", "--server", self.server.address).returncode, 3)

    def test_a_state_that_others_can_read_is_not_used(self):
        self.log_in()
        for file in self.user.state.iterdir():
            file.chmod(0o644)
        done = self.mkdir("x", expect=1)
        self.assertIn("chmod 600", done.stderr)


if __name__ == "__main__":
    unittest.main()
