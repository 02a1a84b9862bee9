"""SIGKILL before each step in which users.db or sessions.db is replaced: the old file or the new one, never a mix."""
import unittest

from harness import IS_ROOT, PASSWORD, EndToEndTest, until
from control_client import can_log_in
from faults import Faults
from ftpc_client import FtpcUser

MOST_STEPS = 20


def temporaries(directory):
    return [entry.name for entry in directory.iterdir() if entry.name.startswith((".users.db.", ".sessions.db."))]


def steps(owner_changes):
    """The calls that replace a file, in the order that a power failure asks for."""
    return ["openat", "write", *(["fchown"] if owner_changes else []), "fchmod", "fsync", "renameat", "fsync"]


class UsersDb(EndToEndTest):
    def setUp(self):
        self.site = self.make_site(users=("alice", "bob"))
        self.faults = Faults(self.site.directory)
        self.before = self.site.users_db.read_bytes()

    def put_back(self):
        """The users as they were, in the same file: owner and permissions stay."""
        self.site.users_db.write_bytes(self.before)

    def names(self):
        return [line.split()[0] for line in self.site.ftpcd("user", "list").stdout.splitlines()]

    def assert_sound(self, what):
        checked = self.site.ftpcd("check")
        self.assertEqual(checked.returncode, 0, f"{what}: {checked.stderr}")

    def kill_everywhere(self, is_new, *words, **options):
        """Runs `ftpcd user WORDS` again and again, killed one step later each time."""
        def run_killed(what, plan, *arguments):
            self.put_back()
            plan(*arguments)
            done = self.site.ftpcd("user", *words, env=self.faults.environment, **options)
            if done.returncode == 0:
                return None
            self.assertEqual(done.returncode, -9, f"{what}: {done.stderr}")
            contents = self.site.users_db.read_bytes()
            # Only the sync of the directory comes after the renaming.
            if killed_at[:-1] and killed_at[-1] == "renameat" and self.faults.hit == "fsync":
                self.assertNotEqual(contents, self.before, what)
                self.assertTrue(is_new(), what)
            else:
                self.assertEqual(contents, self.before, what)
            self.assert_sound(what)
            self.assertLessEqual(len(temporaries(self.site.data)), 1, "what one killed writer has left, the next one removes")
            return self.faults.hit

        killed_at = []
        for number in range(MOST_STEPS):
            hit = run_killed(f"{words}, step {number}", self.faults.kill_before_step, "users.db", number)
            if hit is None:
                break
            killed_at.append(hit)
        self.assertEqual(killed_at, steps(owner_changes=IS_ROOT))
        self.assertTrue(is_new(), "without a kill it is done")
        self.assertEqual(temporaries(self.site.data), [])
        killed_at.clear()
        self.assertEqual(run_killed(f"{words}, half written", self.faults.kill_in_the_middle_of_writing, "users.db"), "write")
        self.assertEqual([(self.site.data / name).stat().st_size > 0 for name in temporaries(self.site.data)], [True])

    def test_user_add(self):
        self.kill_everywhere(lambda: self.names() == ["alice", "bob", "carol"],
                             "add", "carol", "--password-stdin", input=PASSWORD + "\n")

    def test_user_passwd(self):
        def is_new():
            now = self.site.users_db.read_bytes()
            return now != self.before and self.names() == ["alice", "bob"] and now.count(b"\n") == self.before.count(b"\n")
        self.kill_everywhere(is_new, "passwd", "alice", "--password-stdin", input="another password\n")

    def test_user_del(self):
        self.kill_everywhere(lambda: self.names() == ["alice"], "del", "bob")


class SessionsDb(EndToEndTest):
    def test_an_enrolment(self):
        site = self.make_site()
        faults = Faults(site.directory)
        server = self.start(site, env=faults.environment)
        sessions_db = site.data / "sessions.db"
        first = FtpcUser(self.make_directory())
        self.assertEqual(first.log_in(server).returncode, 0)
        second = FtpcUser(self.make_directory())

        def enrol_killed(plan, *arguments):
            """The call before which auth was killed, and whether sessions.db is a new one; None when it was not."""
            before, log = sessions_db.read_bytes(), server.log_size()
            plan(*arguments)
            done = second.log_in(server)
            if faults.hit is None:
                self.assertEqual(done.returncode, 0, done.stderr)
                return None
            self.assertNotEqual(done.returncode, 0, "what is not on disk is not promised")
            server.log.wait_for("event=child-ended process=auth with=\"signal 9\"", log)
            after = sessions_db.read_bytes()
            until(lambda: can_log_in(server.port), "auth is back")
            self.assertNotIn("set-aside", server.log.text)
            self.assertEqual(site.ftpcd("check").returncode, 0)
            self.assertEqual(temporaries(site.data), [], "the new auth has tidied up")
            self.assertEqual(first.ftpc("status").returncode, 0, "a key from before is still good")
            return faults.hit, after != before

        killed_at = []
        for number in range(MOST_STEPS):
            killed = enrol_killed(faults.kill_before_step, "sessions.db", number)
            if killed is None:
                break
            killed_at.append(killed)
        self.assertEqual([call for call, _ in killed_at], steps(owner_changes=False))
        self.assertEqual([is_new for _, is_new in killed_at], [False] * 5 + [True])
        self.assertEqual(second.ftpc("status").returncode, 0)
        self.assertEqual(enrol_killed(faults.kill_in_the_middle_of_writing, "sessions.db"), ("write", False))


if __name__ == "__main__":
    unittest.main()
