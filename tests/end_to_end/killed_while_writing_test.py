"""SIGKILL before each step in which users.db or sessions.db is written: nothing promised is lost, and no file is spoiled."""
import os
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
    def setUp(self):
        self.site = self.make_site()
        self.sessions_db = self.site.data / "sessions.db"
        self.faults = Faults(self.site.directory)
        self.server = self.start(self.site, env=self.faults.environment)
        self.first = FtpcUser(self.make_directory())
        self.assertEqual(self.first.log_in(self.server).returncode, 0)

    def enrol_killed(self, plan, *arguments):
        """The call before which auth was killed, whether sessions.db is a new one, and whether the key was promised."""
        before, log = self.sessions_db.read_bytes(), self.server.log_size()
        self.second = FtpcUser(self.make_directory())
        plan(*arguments)
        done = self.second.log_in(self.server)
        until(lambda: self.faults.hit is not None, "auth is killed")
        # A slow disk may keep the killed process for a while.
        self.server.log.wait_for("event=(child-ended|left-behind) process=auth ", log)
        after = self.sessions_db.read_bytes()
        until(lambda: can_log_in(self.server.port), "auth is back")
        self.assertNotIn("set-aside", self.server.log.text)
        self.assertEqual(self.site.ftpcd("check").returncode, 0)
        self.assertEqual(temporaries(self.site.data), [], "the new auth has tidied up")
        self.assertEqual(self.first.ftpc("status").returncode, 0, "a key from before is still good")
        if done.returncode == 0:
            self.assertEqual(self.second.ftpc("status").returncode, 0, "so is one that was promised")
        return self.faults.hit, after != before, done.returncode == 0

    def kill_everywhere(self, calls, first_step=0, prepare=lambda: None):
        """Enrolments, each killed one step later, and at the end one that is not. Whether sessions.db is a new one, and whether
        the key was promised, for each of `calls`."""
        found = []
        for number, call in enumerate(calls, first_step):
            prepare()
            hit, *rest = self.enrol_killed(self.faults.kill_before_step, "sessions.db", number)
            self.assertEqual(hit, call, f"step {number}")
            found.append(tuple(rest))
        prepare()
        self.second = FtpcUser(self.make_directory())
        self.faults.kill_before_step("sessions.db", first_step + len(calls))
        self.assertEqual(self.second.log_in(self.server).returncode, 0)
        self.assertEqual(self.second.ftpc("status").returncode, 0)
        self.assertIsNone(self.faults.hit)
        return found

    def test_an_enrolment(self):
        found = self.kill_everywhere(["openat", "write", "fsync"])
        self.assertEqual(found, [(False, False), (False, False), (True, False)])
        half = self.enrol_killed(self.faults.kill_in_the_middle_of_writing, "sessions.db")
        self.assertEqual(half, ("write", True, False))
        self.assertFalse(self.sessions_db.read_bytes().endswith(b"\n"), "half a line")
        self.assertEqual(self.second.log_in(self.server).returncode, 0)
        self.assertTrue(self.sessions_db.read_bytes().endswith(b"\n"), "which nothing was added to")
        self.assertEqual(self.second.ftpc("status").returncode, 0)

    def test_an_enrolment_into_a_file_that_somebody_has_changed(self):
        times = iter(range(1, 2 * MOST_STEPS))

        def change():
            time = next(times)
            os.utime(self.sessions_db, ns=(time, time))

        # It is opened to be appended to, and then replaced.
        found = self.kill_everywhere(["openat", *steps(owner_changes=False)], prepare=change)
        self.assertEqual([is_new for is_new, _ in found], [False] * 6 + [True])
        self.assertNotIn(True, [promised for _, promised in found])

    def test_a_file_that_is_compacted(self):
        def fill():
            self.server.stop()
            with open(self.sessions_db, "ab") as file:
                file.write(1100 * b"end 00000000000000000000000000000000\n")
            self.site.configure(listen=self.server.address)
            self.faults.none()
            self.server = self.start(self.site, env=self.faults.environment)

        # A key is promised before, if auth comes to say so.
        self.kill_everywhere(steps(owner_changes=False), first_step=3, prepare=fill)
        until(lambda: b"\nend " not in self.sessions_db.read_bytes(), "it is written anew")


if __name__ == "__main__":
    unittest.main()
