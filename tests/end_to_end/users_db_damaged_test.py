"""A damaged users.db: refused at the start with file, line and reason; a running server keeps the users that it had."""
import os
import shutil
import unittest

from harness import IS_ROOT, EndToEndTest, timing, until
from control_client import can_log_in, connect, logged_in


def put_in_place(path, contents):
    """Replaces users.db as an editor does: another file, renamed onto it, with owner and permissions as before."""
    status = path.stat()
    beside = path.with_suffix(".new")
    beside.write_bytes(contents)
    beside.chmod(status.st_mode & 0o777)
    if IS_ROOT:
        os.chown(beside, status.st_uid, status.st_gid)
    beside.rename(path)


class UsersDbDamaged(EndToEndTest):
    def setUp(self):
        self.site = self.make_site(users=("alice", "bob"))
        self.good = self.site.users_db.read_bytes()

    def damages(self):
        """Name, contents and report of each damage."""
        lines = self.good.count(b"\n")
        return [
            ("a broken line", self.good + b"user carol no-hash carol\n", f"users.db:{lines + 1}: "),
            ("an unknown word", self.good + b"usr carol\n", f"users.db:{lines + 1}: 'usr' is neither realm nor user"),
            ("a user twice", self.good + self.good.splitlines(True)[-1], f"users.db:{lines + 1}: user bob is already on line {lines}"),
            ("no last line end", self.good[:-1], f"users.db:{lines}: the last line has no line end"),
            ("cut in the middle", self.good[:-60], f"users.db:{lines}: the last line has no line end"),
            ("cut behind the realm", self.good[:self.good.index(b"realm ") + 9], "the last line has no line end"),
            ("empty", b"", "users.db:1: there is no realm line"),
            ("bytes that are no text", self.good + b"\xff\x00\xfe\n", f"users.db:{lines + 1}: "),
        ]

    def test_the_start_is_refused_with_file_line_and_reason(self):
        for what, contents, said in self.damages():
            with self.subTest(what=what):
                put_in_place(self.site.users_db, contents)
                done = self.site.ftpcd("serve")
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)
                self.assertNotIn("listening on", done.stderr)
                self.assertEqual(self.site.users_db.read_bytes(), contents, "nobody mends it by guessing")

    @timing
    def test_a_running_server_keeps_its_users_and_says_so(self):
        server = self.start(self.site)
        with logged_in(server.port) as control:
            for what, contents, said in self.damages():
                with self.subTest(what=what):
                    where, _, reason = said.partition(": ")
                    before = server.log_size()
                    put_in_place(self.site.users_db, contents)
                    line = server.log.wait_for(r"event=users-kept .*\n", before)[0]
                    self.assertIn(where if where.startswith("users.db:") else "users.db:", line)
                    self.assertIn(reason.replace('"', '\\"'), line)
                    self.assertTrue(can_log_in(server.port, "alice"))
                    self.assertTrue(can_log_in(server.port, "bob"))
            self.assertEqual(control.code("NOOP"), 200, "and nobody is thrown out")
            mended = b"".join(line for line in self.good.splitlines(True) if not line.startswith(b"user bob "))
            put_in_place(self.site.users_db, mended)
            until(lambda: not can_log_in(server.port, "bob"), "the mended file counts", 2)
            self.assertEqual(control.code("NOOP"), 200)

    def test_a_file_that_goes_missing_is_said_and_the_users_stay(self):
        for take_away in (lambda: self.site.users_db.unlink(), lambda: self.site.users_db.rename(self.site.users_db.with_suffix(".away"))):
            server = self.start(self.site)
            before = server.log_size()
            take_away()
            server.log.wait_for(r'event=users-kept where=users\.db reason="there is none; put it back if it was lost', before)
            self.assertTrue(can_log_in(server.port))
            self.site.users_db.touch(0o600)
            put_in_place(self.site.users_db, self.good)
            if IS_ROOT:
                shutil.chown(self.site.users_db, "ftpcd-auth", "ftpcd-auth")
            self.site.add_user("carol")
            until(lambda server=server: can_log_in(server.port, "carol"), "the file that is back counts", 5)
            self.site.ftpcd("user", "del", "carol")
            server.stop()

    def test_a_broken_table_at_hang_up_is_named_as_well(self):
        server = self.start(self.site)
        before = server.log_size()
        put_in_place(self.site.users_db, self.good + b"broken\n")
        server.hang_up()
        server.log.wait_for(rf"users\.db:{self.good.count(bytes([10])) + 1}", before)
        self.assertTrue(can_log_in(server.port))

    def test_permissions_that_let_others_read_it_are_refused(self):
        self.site.users_db.chmod(0o644)
        done = self.site.ftpcd("serve")
        self.assertEqual(done.returncode, 1)
        self.assertIn("users.db", done.stderr)
        self.assertIn(f"chmod 600 {self.site.users_db}", done.stderr)

    @timing
    def test_permissions_that_are_mended_count_without_a_restart(self):
        server = self.start(self.site)
        before = server.log_size()
        self.site.users_db.chmod(0o644)
        server.log.wait_for("event=users-kept .*users.db", before)
        self.assertTrue(can_log_in(server.port))
        self.site.users_db.chmod(0o600)
        self.site.add_user("carol")
        until(lambda: can_log_in(server.port, "carol"), "carol can log in", 2)

    @unittest.skipUnless(IS_ROOT, "only root can give the file to somebody else")
    def test_a_file_of_another_owner_is_refused(self):
        os.chown(self.site.users_db, 65534, 65534)
        done = self.site.ftpcd("serve")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"chown ftpcd-auth {self.site.users_db}", done.stderr)

    def test_user_commands_do_not_touch_a_damaged_file(self):
        broken = self.good + b"broken\n"
        put_in_place(self.site.users_db, broken)
        for words in (["add", "carol", "--generate"], ["lock", "alice"], ["del", "bob"], ["list"]):
            done = self.site.ftpcd("user", *words)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(f"users.db:{broken.count(bytes([10]))}: ", done.stderr)
            self.assertEqual(self.site.users_db.read_bytes(), broken)

    def test_a_restarted_login_service_waits_for_a_good_file(self):
        server = self.start(self.site)
        put_in_place(self.site.users_db, self.good + b"broken\n")
        server.log.wait_for("event=users-kept")
        auth = server.child("auth")
        os.kill(auth, 9)
        server.log.wait_for("event=refused process=auth .*users.db", seconds=20)
        with connect(server.port) as control:
            self.assertIn(control.log_in().code, (451, 421))
        put_in_place(self.site.users_db, self.good)
        until(lambda: can_log_in(server.port), "logins work again", 20)


class Lost(EndToEndTest):
    def test_no_command_makes_an_empty_one_in_its_place(self):
        server = self.serve(("alice",))
        site = server.site
        os.rename(site.users_db, f"{site.users_db}.away")
        for words in (["user", "list"], ["user", "show", "alice"], ["user", "lock", "alice"], ["user", "del", "alice"],
                      ["user", "passwd", "alice", "--password-stdin"], ["user", "quota", "alice", "7"], ["why", "alice"]):
            done = site.ftpcd(*words, input="secret\n")
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assert_one_line(done.stderr, "users.db: there is none; put it back")
            self.assertFalse(site.users_db.exists(), words)
        os.rename(f"{site.users_db}.away", site.users_db)
        logged_in(server.port).close()


if __name__ == "__main__":
    unittest.main()
