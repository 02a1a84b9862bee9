"""`ftpcd user` with something that cannot be: one clear line, exit status 1, users.db as it was."""
import os
import shutil
import unittest

from harness import FTPCD, EndToEndTest, directories_in, run


class UserCommandRefusals(EndToEndTest):
    def setUp(self):
        self.site = self.make_site(users=("alice",))
        self.before = self.site.users_db.read_bytes()

    def assert_refused(self, *words, says, input="good enough\n"):
        with self.subTest(words=words, input=input if input is None else input[:20]):
            done = self.site.ftpcd("user", *words, input=input)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assert_one_line(done.stderr, says)
            self.assertTrue(done.stderr.startswith("ftpcd: "), done.stderr)
            self.assertEqual(self.site.users_db.read_bytes(), self.before)

    def test_a_user_who_exists_is_not_added(self):
        self.assert_refused("add", "alice", "--password-stdin", says="there is a user alice already")
        self.assert_refused("add", "alice", "--generate", says="there is a user alice already")

    def test_a_home_that_was_there_already_is_said_to_be(self):
        self.site.ftpcd("user", "del", "alice")
        done = self.site.ftpcd("user", "add", "alice", "--password-stdin", input="good enough\n")
        self.assertEqual(done.stdout, "added alice (home alice/, which was there already)\n")
        done = self.site.ftpcd("user", "add", "bob", "--home", "alice", "--password-stdin", input="good enough\n")
        self.assertEqual(done.stdout, "added bob (home alice/, which was there already; it is the home of alice, too)\n")

    def test_wrong_usage_names_the_help_of_the_very_command(self):
        done = self.site.ftpcd("user", "add", "bob", "--password", "x")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("see: ftpcd user add --help", done.stderr)

    def test_a_caller_without_root_gets_advice(self):
        def as_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        program = shutil.copy(FTPCD, self.site.directory)  # where anybody can reach it, wherever the build tree is
        done = run(program, "user", "list", "--data", self.site.data, preexec_fn=as_nobody, cwd="/")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, "Permission denied (run this as root)")

    def test_a_user_who_does_not_exist_is_not_changed(self):
        for words in (["del", "bob"], ["lock", "bob"], ["unlock", "bob"], ["show", "bob"], ["passwd", "bob", "--password-stdin"]):
            self.assert_refused(*words, says="there is no user bob")

    def test_names_that_nobody_can_have(self):
        for name in ["Alice", "1alice", ".hidden", "with space", "a/b", "..", "x" * 33, "ålice", "al\nice", "", "a:b", "root\x7f"]:
            self.assert_refused("add", name, "--password-stdin", says="user name")
        self.assertEqual(directories_in(self.site.root), {"alice"})

    def test_the_longest_name_is_good(self):
        for name in ["x" * 32, "_", "a.b-c_9"]:
            done = self.site.ftpcd("user", "add", name, "--password-stdin", input="good enough\n")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_passwords_that_are_none(self):
        for password, says in [("\n", "empty"), ("", "there is no password"), ("x" * 1025 + "\n", "1024"),
                               ("x" * 100_000 + "\n", "1024"), (b"\xff\xfe\n", "UTF-8"), (b"caf\xe9\n", "UTF-8")]:
            self.assert_refused("add", "bob", "--password-stdin", input=password, says=says)
            self.assert_refused("passwd", "alice", "--password-stdin", input=password, says=says)
        self.assertEqual(directories_in(self.site.root), {"alice"}, "and no home was made")

    def test_the_longest_password_is_good(self):
        for number, password in enumerate(["x" * 1024, "密" * 341, " "]):
            done = self.site.ftpcd("user", "add", f"u{number}", "--password-stdin", input=password + "\n")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_homes_that_lead_elsewhere(self):
        for home in ["/etc", "..", "a/../b", "a//b", ".", "with space", ""]:
            self.assert_refused("add", "bob", "--home", home, "--password-stdin", says="cannot be a home")

    def test_a_home_that_is_a_file_or_a_link_is_not_used(self):
        (self.site.root / "file").write_text("x", encoding="utf-8")
        (self.site.root / "link").symlink_to("/etc")
        for home in ("file", "file/below", "link", "link/below"):
            self.assert_refused("add", "bob", "--home", home, "--password-stdin", says=f"cannot make the home {home}/")

    def test_a_password_as_an_argument_is_wrong_usage(self):
        done = self.site.ftpcd("user", "add", "bob", "secret")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.site.users_db.read_bytes(), self.before)


if __name__ == "__main__":
    unittest.main()
