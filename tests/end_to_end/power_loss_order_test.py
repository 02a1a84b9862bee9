"""A promised change is on disk at any loss of power: the order of writing, syncing and renaming, in system calls."""
import os
import re
import unittest

from harness import IS_ROOT, PASSWORD, EndToEndTest
from ftpc_client import FtpcUser
from system_calls import HAS_STRACE, calls_of_command, calls_of_process

WRITING = ["openat", "write", "fsync", "syncfs", "fdatasync", "sync_file_range", "rename", "renameat", "renameat2", "mkdir",
           "mkdirat", "sendmsg"]
CONTROL_CHANNEL = "3<"  # to the supervisor


def events(calls, names):
    """The calls that change or sync one of the directories and files in `names`, a dictionary from path to short name."""
    def short(path):
        temporary = re.sub(r"/\.(users|sessions)\.db\.[0-9a-f]{16}$", r"/NEW-\1.db", path)
        temporary = re.sub(r"/\.ftpcd-\w{6}$", "/NEW-directory", temporary)
        return names.get(temporary)

    found = []
    for call in calls:
        if call.result is None or call.result < 0:
            continue
        if call.name in ("write", "fsync") and short(call.path):
            found.append(f"{call.name} {short(call.path)}")
        elif call.name == "mkdirat" and short(f"{call.path}/{call.strings[0]}"):
            found.append(f"make {short(f'{call.path}/{call.strings[0]}')}")
        elif call.name == "mkdir" and short(call.strings[0]):
            found.append(f"make {short(call.strings[0])}")
        elif call.name.startswith("rename"):
            target = call.strings[1] if call.strings[1].startswith("/") else f"{call.path}/{call.strings[1]}"
            if short(target):
                found.append(f"rename to {short(target)}")
        elif call.name == "write" and call.arguments.startswith("1<"):
            found.append("say it is done")
        elif call.name == "sendmsg" and not call.arguments.startswith(CONTROL_CHANNEL):  # there it says that it lives
            found.append("answer")
    return found


REPLACED = ["write temporary", "fsync temporary", "rename to file", "fsync data"]


@unittest.skipUnless(HAS_STRACE, "strace is not installed")
class PowerLossOrder(EndToEndTest):
    def names(self, site, which):
        return {f"{site.data}/NEW-{which}": "temporary", f"{site.data}/{which}": "file", str(site.data): "data",
                str(site.root): "tree", f"{site.root}/bob": "home", f"{site.root}/deep": "above", f"{site.root}/deep/bob": "home"}

    def command_events(self, site, *words):
        done, calls = calls_of_command(site, WRITING, "user", *words, input=PASSWORD.encode() + b"\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        return events(calls, self.names(site, "users.db"))

    def test_a_user_is_added_after_the_home_is_on_disk(self):
        site = self.make_site()
        self.assertEqual(self.command_events(site, "add", "bob", "--password-stdin"),
                         ["make home", "fsync home", "fsync tree", *REPLACED, "say it is done"])

    def test_every_new_directory_above_a_home_is_on_disk(self):
        site = self.make_site()
        self.assertEqual(self.command_events(site, "add", "bob", "--home", "deep/bob", "--password-stdin"),
                         ["make above", "fsync above", "fsync tree", "make home", "fsync home", "fsync above",
                          *REPLACED, "say it is done"])

    def test_a_home_that_was_there_is_on_disk_all_the_same(self):
        site = self.make_site()
        (site.root / "bob").mkdir()
        owner = (site.root / "alice").stat()
        os.chown(site.root / "bob", owner.st_uid, owner.st_gid)
        self.assertEqual(self.command_events(site, "add", "bob", "--password-stdin"),
                         ["fsync home", "fsync tree", *REPLACED, "say it is done"])

    def test_passwd_lock_and_del(self):
        site = self.make_site()
        for words in (["passwd", "alice", "--password-stdin"], ["lock", "alice"], ["unlock", "alice"], ["del", "alice"]):
            self.assertEqual(self.command_events(site, *words), [*REPLACED, "say it is done"], words)

    def test_the_directories_of_a_first_use_are_on_disk_before_anything_is_in_them(self):
        site = self.make_site(users=())
        above = site.directory / "new"
        site.configure(data=above / "data")
        done, calls = calls_of_command(site, WRITING, "user", "add", "bob", "--password-stdin", input=PASSWORD.encode() + b"\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = {str(site.directory): "top", f"{site.directory}/NEW-directory": "new above", str(above): "above",
                 f"{above}/NEW-directory": "new data", str(site.data): "data"}
        self.assertEqual(events(calls, names)[:8], ["make new above", "fsync new above", "rename to above", "fsync top", "make new data", "fsync new data",
                                                    "rename to data", "fsync above"])

    @unittest.skipUnless(IS_ROOT, "tracing a process that is not one's own child needs root")
    def test_a_session_key_is_answered_for_after_it_is_on_disk(self):
        site = self.make_site()
        server = self.start(site)
        user = FtpcUser(self.make_directory())
        with calls_of_process(site, server.child("auth"), WRITING, "-s", "16") as calls:
            self.assertEqual(user.log_in(server).returncode, 0)
        # One answer for the login, one for the key. The history of logins may be synced behind them.
        expected = ["answer", *REPLACED, "answer"]
        self.assertEqual(events(calls, self.names(site, "sessions.db"))[:len(expected)], expected)
        with calls_of_process(site, server.child("auth"), WRITING, "-s", "16") as calls:
            self.assertEqual(user.log_in(server).returncode, 0)
            self.assertEqual(user.ftpc("logout").returncode, 0)
        # Another key, and the end of the one before; then a login with that key, and its end.
        change = ["write file", "fsync file", "answer"]
        self.assertEqual([event for event in events(calls, self.names(site, "sessions.db")) if event != "fsync data"],
                         ["answer", *change, *change, "answer", *change])


if __name__ == "__main__":
    unittest.main()
