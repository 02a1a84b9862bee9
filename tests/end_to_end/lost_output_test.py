"""`ftpcd user` whose standard output takes nothing: a generated password is never in force that nobody has seen."""
import errno
import os
import resource
import subprocess
import unittest

from harness import FTPCD, EndToEndTest, directories_in
from faults import Faults


def closed(site, *words):
    return ["sh", "-c", 'exec "$@" >&-', "sh", FTPCD, *words, "--config", str(site.config)]


class LostOutput(EndToEndTest):
    def setUp(self):
        self.site = self.make_site(users=("alice",))
        self.before = self.site.users_db.read_bytes()
        self.tree = directories_in(self.site.root)

    def run_into(self, output, *words):
        """Standard error of `ftpcd user`, with a standard output that cannot be written."""
        command = [FTPCD, "user", *words, "--config", str(self.site.config)]
        if output == "closed":
            return subprocess.run(closed(self.site, "user", *words), stderr=subprocess.PIPE, text=True, check=False)
        if output == "pipe without a reader":
            reading, writing = os.pipe()
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                return subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
        if output == "file that may not grow":
            def limit():
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            with open(self.site.directory / "output", "wb") as file:
                return subprocess.run(command, stdout=file, stderr=subprocess.PIPE, text=True, check=False, preexec_fn=limit)
        with open("/dev/full", "wb") as full:
            return subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    def test_a_generated_password_that_cannot_be_printed_changes_nothing(self):
        for output in ("/dev/full", "closed", "pipe without a reader", "file that may not grow"):
            for words in (("passwd", "alice", "--generate"), ("add", "bob", "--generate"), ("add", "carol", "--home", "staff/carol", "--generate")):
                with self.subTest(output=output, words=words):
                    done = self.run_into(output, *words)
                    self.assertEqual(done.returncode, 1)
                    self.assert_one_line(done.stderr, "ftpcd: the new password could not be written to standard output: ", "nothing was changed")
                    self.assertEqual(self.site.users_db.read_bytes(), self.before)
                    self.assertEqual(directories_in(self.site.root), self.tree)

    def test_a_printed_password_that_does_not_come_into_force_is_said_to_be_none(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # for users.db; standard output is a pipe
        for words in (("passwd", "alice"), ("add", "bob")):
            done = self.site.ftpcd("user", *words, "--generate", preexec_fn=limit)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, r"\Apassword: \S{20,}\n\Z")
            self.assertRegex(done.stderr, r"\Aftpcd: users\.db: cannot be written: .*\nftpcd: the password that was printed is not in force\n\Z")
            self.assertEqual(self.site.users_db.read_bytes(), self.before)

    def test_an_output_that_is_full_only_by_its_sync_changes_nothing(self):
        faults = Faults(self.site.directory)
        for error in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            for words in (("passwd", "alice"), ("add", "bob")):
                faults.fail("fsync", error)
                done = self.site.ftpcd("user", *words, "--generate", env=faults.environment)
                self.assertEqual((done.returncode, faults.left), (1, 0))
                self.assert_one_line(done.stderr, f"standard output: {os.strerror(error)}; nothing was changed")
                self.assertEqual(self.site.users_db.read_bytes(), self.before)

    def test_a_printed_password_that_came_into_force_is_not_said_to_be_none(self):
        faults = Faults(self.site.directory)
        faults.fail("fsync-directory")
        done = self.site.ftpcd("user", "passwd", "alice", "--generate", env=faults.environment)
        self.assertRegex(done.stdout, r"\Apassword: \S{20,}\n\Z")
        self.assertEqual((done.returncode, done.stderr), (1, "ftpcd: users.db: was changed, but may not be on disk: Input/output error\n"))
        self.assertNotEqual(self.site.users_db.read_bytes(), self.before)

    def test_a_change_whose_words_are_lost_is_said_to_be_done(self):
        for output in ("/dev/full", "closed", "pipe without a reader"):
            for word, state in (("lock", "locked"), ("unlock", "active")):
                done = self.run_into(output, word, "alice")
                self.assertEqual(done.returncode, 1)
                self.assert_one_line(done.stderr, f"ftpcd: done ({word}ed alice), but standard output could not be written")
                self.assertIn(state, self.site.ftpcd("user", "list").stdout)

    def test_output_that_is_a_result_is_not_lost_in_silence(self):
        for words in (("user", "list"), ("user", "show", "alice"), ("--help",)):
            done = subprocess.run(closed(self.site, *words) if words != ("--help",) else ["sh", "-c", 'exec "$0" --help >&-', FTPCD],
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("standard output could not be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
