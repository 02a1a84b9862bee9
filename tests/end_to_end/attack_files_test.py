"""Files that an attacker, or a careless administrator, has put in the place of those that the programs read."""
import contextlib
import ctypes
import os
import re
import shutil
import resource
import socket
import time
import unittest

from harness import FTPCD, IS_ROOT, PASSWORD, SCALE, EndToEndTest, resident_bytes, run, scaled, until
from control_client import can_log_in, logged_in
from ftpc_client import FtpcUser
from users_db_damaged_test import put_in_place

SALT, HASH = "A" * 22, "A" * 43
# Another program would take these for an account without a password, or for one of its own kind.
NO_HASHES = ["", '""', "-", "*", "!", "!!", "x", "$", "$$", "$$$$", "$scrypt$", PASSWORD.replace(" ", "-"), "$1$abc$" + "A" * 22, "$6$abc$" + "A" * 86,
             "$2b$10$" + "A" * 53, "{SSHA}AAAA", "NULL", "$scrypt$ln=10,r=8,p=1$$", f"$scrypt$ln=10,r=8,p=1${SALT}$", f"$scrypt$ln=10,r=8,p=1$${HASH}",
             f"$scrypt$ln=10,r=8,p=1${SALT}${HASH}$", f"$scrypt$ln=10,r=8,p=1${SALT}${HASH[:-1]}", f"$scrypt$ln=10,r=8,p=1$AAAA${HASH}",
             f"$scrypt$ln=10,r=8,p=1,pepper=${SALT}${HASH}"]
COSTS = ["ln=21,r=8,p=1", "ln=63,r=8,p=1", "ln=64,r=1,p=1", "ln=99999999999999999999,r=8,p=1", "ln=20,r=32,p=16", "ln=20,r=9,p=1", "ln=15,r=4294967295,p=1",
         "ln=15,r=33,p=1", "ln=15,r=8,p=17", "ln=15,r=8,p=1073741824", "ln=15,r=8,p=4294967297", "ln=-1,r=8,p=1", "ln=0,r=8,p=1", "ln=9,r=8,p=1",
         "ln=15,r=0,p=1", "ln=15,r=8,p=0", "ln=010,r=8,p=1", "ln=0x10,r=8,p=1", "ln=15,r=8", "ln=16,r=1,p=1"]


def is_bounded(done):
    """Nothing was computed with the refused file."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 256 << 10 if SCALE == 1 else done is not None


class UsersDb(EndToEndTest):
    def setUp(self):
        self.site = self.make_site()
        self.good = self.site.users_db.read_bytes()

    def refused_lines(self):
        for text in NO_HASHES:
            yield f"user eve {text} eve"
        for cost in COSTS:
            yield f"user eve $scrypt${cost}${SALT}${HASH} eve"

    def test_no_hash_and_no_cost_that_is_not_sound_is_taken(self):
        for line in self.refused_lines():
            with self.subTest(line=line):
                put_in_place(self.site.users_db, self.good + line.encode() + b"\n")
                done = self.site.ftpcd("user", "list", seconds=10)
                self.assertEqual(done.returncode, 1)
                self.assertIn("users.db:", done.stderr)
                self.assertNotIn("eve", done.stdout)
        self.assertTrue(is_bounded(done))
        done = self.site.ftpcd("serve", seconds=10)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("listening", done.stderr)

    def test_a_running_server_lets_nobody_in_by_such_a_line_and_keeps_its_users(self):
        server = self.start(self.site)
        auth = server.child("auth")
        memory = resident_bytes(auth)
        for line in (f"user eve $scrypt$ln=10,r=8,p=1${SALT}$ eve", f"user eve $scrypt$ln=20,r=32,p=16${SALT}${HASH} eve", "user eve  eve"):
            before = server.log_size()
            put_in_place(self.site.users_db, self.good + line.encode() + b"\n")
            server.log.wait_for("event=users-kept", before)
            self.assertFalse(can_log_in(server.port, "eve", ""))
            self.assertTrue(can_log_in(server.port))
        self.assertLess(resident_bytes(auth) - memory, 64 << 20)
        self.assertEqual(server.child("auth"), auth)

    def test_a_symbolic_link_is_refused_and_never_written_through(self):
        elsewhere = self.site.directory / "elsewhere.db"
        self.site.users_db.rename(elsewhere)
        self.site.users_db.symlink_to(elsewhere)
        for words in (("serve",), ("user", "list"), ("user", "add", "bob", "--generate"), ("user", "passwd", "alice", "--generate"), ("check",)):
            done = self.site.ftpcd(*words, seconds=10)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("users.db: is a symbolic link", done.stderr, words)
        self.assertEqual(elsewhere.read_bytes(), self.good)
        self.assertTrue(self.site.users_db.is_symlink())

    def test_a_link_to_nowhere_makes_no_file_where_it_leads(self):
        nowhere = self.site.directory / "nowhere"
        self.site.users_db.unlink()
        self.site.users_db.symlink_to(nowhere)
        for words in (("serve",), ("user", "add", "bob", "--generate")):
            self.assertEqual(self.site.ftpcd(*words, seconds=10).returncode, 1)
        self.assertFalse(nowhere.exists())

    def test_a_link_that_is_put_there_while_the_server_runs_changes_nothing(self):
        server = self.start(self.site)
        forged = self.site.directory / "forged.db"
        forged.write_bytes(self.good.replace(b"user alice", b"user mallory"))
        forged.chmod(0o600)
        before = server.log_size()
        beside = self.site.data / "beside"
        beside.symlink_to(forged)
        beside.rename(self.site.users_db)
        server.log.wait_for("event=users-kept .*symbolic link", before)
        self.assertFalse(can_log_in(server.port, "mallory"))
        self.assertTrue(can_log_in(server.port))

    def test_a_second_name_for_it_keeps_the_old_contents(self):
        # Hard links are how some backups are made, so they are no reason to refuse; the next change makes another file.
        other = self.site.directory / "other-name.db"
        os.link(self.site.users_db, other)
        server = self.start(self.site)
        self.assertTrue(can_log_in(server.port))
        self.site.add_user("bob")
        self.assertNotIn(b"user bob", other.read_bytes())
        self.assertIn(b"user bob", self.site.users_db.read_bytes())
        with open(other, "ab") as forged:
            forged.write(self.good.splitlines(True)[-1].replace(b"user alice", b"user mallory"))
        until(lambda: can_log_in(server.port, "bob"), "bob can log in", 5)
        self.assertFalse(can_log_in(server.port, "mallory"))

    def put_special(self, path, kind):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        if kind == "fifo":
            os.mkfifo(path, 0o600)
        elif kind == "socket":
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as here:
                here.bind(str(path))
        else:
            path.mkdir(0o700)

    def test_anything_but_a_file_is_refused_at_once(self):
        for kind in ("fifo", "socket", "directory"):
            for name in ("users.db", "sessions.db"):
                with self.subTest(kind=kind, name=name):
                    site = self.make_site()
                    self.put_special(site.data / name, kind)
                    began = time.monotonic()
                    if name == "users.db":
                        for words in (("serve",), ("user", "list"), ("user", "add", "bob", "--generate")):
                            done = site.ftpcd(*words, seconds=10)
                            self.assertEqual(done.returncode, 1)
                            self.assertIn(name, done.stderr)
                    else:  # keys that cannot be read are none, or the start is refused; nothing waits for a writer
                        self.serves_or_says_why(site, name)
                    self.assertLess(time.monotonic() - began, scaled(10))

    def serves_or_says_why(self, site, name):
        try:
            server = self.start(site)
        except AssertionError as refused:
            self.assertIn(name, str(refused))
        else:
            self.assertTrue(can_log_in(server.port))
            self.assertEqual(server.stop(), 0)

    def test_a_fifo_that_is_put_there_while_the_server_runs_stops_nothing(self):
        server = self.start(self.site)
        before = server.log_size()
        beside = self.site.data / "beside"
        os.mkfifo(beside, 0o600)
        owner = self.site.users_db.stat()
        os.chown(beside, owner.st_uid, owner.st_gid)
        beside.rename(self.site.users_db)
        server.log.wait_for("event=users-kept .*not a regular file", before)
        self.assertTrue(can_log_in(server.port))


class Settings(EndToEndTest):
    def test_a_settings_file_that_anybody_can_change_or_that_never_ends_is_refused(self):
        site = self.make_site()
        fifo = site.directory / "fifo.conf"
        os.mkfifo(fifo)
        for path, said in [(fifo, "is not a regular file"), ("/dev/zero", "File too large"), (site.directory, "Is a directory")]:
            for words in (("serve",), ("check",), ("user", "list")):
                done = run(FTPCD, *words, "--config", str(path), seconds=10)
                self.assertIn(done.returncode, (1, 2))
                self.assertIn(said, done.stderr)
                self.assertNotIn("listening", done.stderr)
        site.config.chmod(0o666)
        for words in (("serve",), ("check",), ("user", "list")):
            done = site.ftpcd(*words, seconds=10)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(f"anybody can change it; mend it with: chmod o-w {site.config}", done.stderr)


class DataDirectory(EndToEndTest):
    def assert_refused(self, site, *parts):
        for words in (("serve",), ("user", "add", "bob", "--generate"), ("check",)):
            done = site.ftpcd(*words, seconds=10)
            self.assertEqual(done.returncode, 1, words)
            self.assertNotIn("listening", done.stderr)
            for part in parts:
                self.assertIn(part, done.stderr)

    def test_one_that_others_can_write_is_refused(self):
        for mode in (0o777, 0o1777, 0o707, 0o702):
            site = self.make_site()
            before = site.users_db.read_bytes()
            site.data.chmod(mode)
            self.assert_refused(site, str(site.data))
            self.assertEqual(site.users_db.read_bytes(), before)

    @unittest.skipUnless(IS_ROOT, "only root can give the directory to somebody else")
    def test_one_of_another_owner_is_refused_also_behind_a_link(self):
        site = self.make_site()
        os.chown(site.data, 65534, 65534)
        self.assert_refused(site, "belongs to another user")
        link = site.directory / "link"
        link.symlink_to(site.data)
        site.configure(data=link)
        self.assert_refused(site, "belongs to another user")

    @unittest.skipUnless(IS_ROOT, "only root can become another user")
    def test_one_of_root_is_refused_to_another_user(self):
        site = self.make_site()
        site.data.chmod(0o755)
        program = shutil.copy(FTPCD, site.directory)  # in a closed directory, unlike perhaps the build tree
        done = run(program, "user", "list", "--data", str(site.data), seconds=10, user=65534, group=65534)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("alice", done.stdout)


class ClientFiles(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.user = FtpcUser(self.make_directory())
        self.assertEqual(self.user.log_in(self.server).returncode, 0)
        self.server.log.wait_for("event=session-key-enrolled")

    def assert_not_used(self, *parts):
        before = self.server.log_size()
        done = self.user.ftpc("mkdir", "made-with-it", seconds=10)
        self.assertEqual(done.returncode, 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)
        with logged_in(self.server.port, source="127.0.0.9"):
            pass
        self.server.log.wait_for("event=disconnected .*peer=127.0.0.9 ", before)  # earlier events are in the log, too
        self.assertNotIn("session-key", self.server.log.text[before:])
        self.assertFalse((self.server.site.root / "alice/made-with-it").exists())

    def test_a_session_key_that_others_can_read_or_change_is_not_used(self):
        sessions = self.user.state / "sessions"
        for mode in (0o640, 0o604, 0o620, 0o602, 0o644, 0o666):
            sessions.chmod(mode)
            self.assert_not_used(str(sessions), "chmod 600")
        sessions.chmod(0o600)
        for mode in (0o755, 0o711, 0o770, 0o777):
            self.user.state.chmod(mode)
            self.assert_not_used(str(self.user.state), "chmod 700")
        self.user.state.chmod(0o700)
        self.assertEqual(self.user.ftpc("mkdir", "made-with-it").returncode, 0)

    def test_a_session_key_behind_a_link_or_in_a_fifo_is_not_used(self):
        sessions = self.user.state / "sessions"
        elsewhere = self.user.home / "elsewhere"
        sessions.rename(elsewhere)
        sessions.symlink_to(elsewhere)
        self.assert_not_used(str(sessions))
        sessions.unlink()
        os.mkfifo(sessions, 0o600)
        self.assert_not_used(str(sessions))
        known = self.user.state / "known_servers"
        sessions.unlink()
        elsewhere.rename(sessions)
        known.rename(elsewhere)
        os.mkfifo(known, 0o600)
        self.assert_not_used(str(known))

    def test_junk_in_the_session_file_is_named_and_not_printed_raw(self):
        sessions = self.user.state / "sessions"
        good = sessions.read_text(encoding="utf-8")
        for junk in ["\x1b[2J\n", "x" * 100_000 + "\n", good.replace("alice", "alice\x1b"), re.sub(r" [0-9a-f]{32} ", " zz ", good),
                     re.sub(r" \d+\n", " 99999999999999999999\n", good), good.replace("127.0.0.1", "[::1%\x07]"), "\0" * 100 + "\n"]:
            sessions.write_text(junk, encoding="utf-8")
            done = self.user.ftpc("mkdir", "x", seconds=10)
            self.assertEqual(done.returncode, 1, junk[:60])
            self.assertNotRegex(done.stderr + done.stdout, r"[\x00-\x09\x0b-\x1f\x7f]")


if __name__ == "__main__":
    unittest.main()
