"""Every reply that says that a directory is there leaves the server after the sync that covers it: in system calls.

The replies travel encrypted, but a TLS record is longer than what it carries by a fixed number of bytes. So the trace
shows which write has the first byte of which reply.
"""
import codecs
import re
import unittest
from concurrent.futures import ThreadPoolExecutor

from harness import IS_ROOT, EndToEndTest
from control_client import logged_in
from system_calls import HAS_STRACE, calls_of_process

TRACED = ["mkdirat", "fsync", "syncfs", "write", "sendto"]
RECORD_HEADER = 5
RECORD_OVERHEAD = 1 + 16  # TLS 1.3 (RFC 8446 §5.2): the content type, and the tag of every cipher suite offered


def covers(sync, parent):
    return sync.result == 0 and (sync.name == "syncfs" or sync.name == "fsync" and sync.path == parent)


class Conversation:
    """Commands that a session sends at once, and the replies to them."""

    def __init__(self, port, commands, user="alice"):
        self.commands = commands
        self.replies = []
        self._control = logged_in(port, user)
        self.port = self._control.local_port
        if self._control.tls_version != "TLSv1.3":
            raise AssertionError(self._control.tls_version)

    def run(self):
        self.replies = self._control.pipeline(self.commands)

    def close(self):
        self._control.close()

    def sent_at(self, calls):
        """For each reply, where in the trace the write begins that has the first byte of its record."""
        stream, places = bytearray(), []
        for call in calls:
            if call.name in ("write", "sendto") and f":{self.port}]>" in call.arguments:
                sent = codecs.escape_decode(call.strings[0].encode())[0]
                stream += sent if call.result is None else sent[:max(call.result, 0)]
                places += [call.begin] * (len(stream) - len(places))
        plaintext_sent_at, at = [], 0
        while at < len(stream):
            length = int.from_bytes(stream[at + 3:at + RECORD_HEADER], "big")
            plaintext_sent_at += [places[at]] * (length - RECORD_OVERHEAD)
            at += RECORD_HEADER + length
        begins, at = [], 0
        for reply in self.replies:
            begins.append(plaintext_sent_at[at])
            at += len(f"{reply.code} {reply.text}\r\n".encode())
        if at > len(plaintext_sent_at):
            raise AssertionError(f"{at} bytes of replies, but {len(plaintext_sent_at)} in the trace")
        return begins


@unittest.skipUnless(HAS_STRACE, "strace is not installed")
@unittest.skipUnless(IS_ROOT, "tracing a process that is not one's own child needs root")
class DurableAcknowledgement(EndToEndTest):
    def serve(self, **settings):
        """A server without a doubt about earlier directories; that takes one sync of everything."""
        server = super().serve(**settings)
        with logged_in(server.port) as control:
            control.ask("SITE MKDIR /")
        return server

    def traced(self, server, *conversations):
        """Runs the conversations, all at once; the system calls of `net` meanwhile."""
        for conversation in conversations:
            self.addCleanup(conversation.close)
        with calls_of_process(server.site, server.child("net"), TRACED, "-s", "200000") as calls:
            with ThreadPoolExecutor(len(conversations)) as pool:
                list(pool.map(Conversation.run, conversations))
        return calls

    def uncovered(self, server, calls, *conversations):
        """Every reply that was sent too early, with its promise."""
        made = {f"{call.path}/{call.strings[0]}": call for call in calls if call.name == "mkdirat" and call.result == 0}
        syncs = [call for call in calls if call.name in ("fsync", "syncfs")]
        early = []
        for conversation in conversations:
            for reply, sent in zip(conversation.replies, conversation.sent_at(calls)):
                self.assertIn(reply.code, (257, 250, 521), reply)
                path = re.match('"([^"]*)"', reply.text)[1]
                while path:
                    parent = f"{server.site.root}/alice{path.rpartition('/')[0]}"
                    directory = f"{server.site.root}/alice{path}"
                    begun = made[directory].end if directory in made else 0
                    if not any(begun <= sync.begin and sync.end < sent for sync in syncs if covers(sync, parent)):
                        early.append((reply, directory))
                    # MKD answers for the directory itself; its parents were there.
                    path = path.rpartition("/")[0] if directory in made and reply.code == 257 else ""
                    if f"{server.site.root}/alice{path}" not in made:
                        break
        return early

    def check(self, server, *conversations):
        calls = self.traced(server, *conversations)
        self.assertEqual(self.uncovered(server, calls, *conversations), [])
        return [call.name for call in calls if call.name in ("fsync", "syncfs")]

    def test_every_directory_of_one_batch_in_one_parent(self):
        server = self.serve()
        syncs = self.check(server, Conversation(server.port, [f"MKD wanted-{i}" for i in range(256)]))
        self.assertEqual(set(syncs), {"fsync"})
        self.assertLess(len(syncs), 64, "those that wait together share a sync")

    def test_a_few_parents_are_synced_one_by_one(self):
        server = self.serve()
        for parent in "abcd":
            (server.site.root / "alice" / parent).mkdir(mode=0o777)
            (server.site.root / "alice" / parent).chmod(0o777)
        syncs = self.check(server, Conversation(server.port, [f"MKD {'abcd'[i % 4]}/wanted-{i}" for i in range(64)]))
        self.assertEqual(set(syncs), {"fsync"})

    def test_many_parents_are_synced_with_the_file_system(self):
        server = self.serve()
        for number in range(32):
            (server.site.root / f"alice/{number}").mkdir()
            (server.site.root / f"alice/{number}").chmod(0o777)
        syncs = self.check(server, Conversation(server.port, [f"MKD {i % 32}/wanted-{i}" for i in range(64)]))
        self.assertIn("syncfs", syncs)

    def test_batches_that_are_larger_than_one_write(self):
        server = self.serve()
        self.check(server, Conversation(server.port, [f"MKD {i:04}{'n' * 240}" for i in range(1000)]))

    def test_many_sessions_at_once_in_common_and_in_own_parents(self):
        server = self.serve(sync_parents=2)
        for parent in range(6):
            (server.site.root / f"alice/{parent}").mkdir()
            (server.site.root / f"alice/{parent}").chmod(0o777)
        sessions = [Conversation(server.port, [f"MKD {(session + i // 16) % 6}/{session}-{i}" for i in range(96)])
                    for session in range(6)]
        self.check(server, *sessions)

    def test_whole_paths_and_existing_directories(self):
        server = self.serve()
        paths = [f"SITE MKDIR a{i % 3}/b{i % 5}/c{i}" for i in range(30)]
        conversation = Conversation(server.port, [*paths, *paths, "MKD a0", "SITE MKDIR a0"])
        self.check(server, conversation)
        self.assertEqual([reply.code for reply in conversation.replies], [257] * 30 + [250] * 30 + [521, 250])

    def test_asking_again_for_a_directory_that_may_not_be_on_disk_yet_waits_for_the_sync(self):
        server = self.serve()
        (server.site.root / "alice/found").mkdir()
        for command, code in [("MKD found", 521), ("MKD /found", 521), ("SITE MKDIR found", 250)]:
            conversation = Conversation(server.port, [command])
            self.assertEqual(set(self.check(server, conversation)), {"fsync"})
            self.assertEqual(conversation.replies[0].code, code)

    def test_the_part_of_a_path_made_before_a_refusal_is_on_disk_with_the_reply(self):
        server = self.serve(max_dirs=2)
        conversation = Conversation(server.port, ["SITE MKDIR a/b/c"])
        calls = self.traced(server, conversation)
        self.assertEqual([reply.code for reply in conversation.replies], [552])
        [sent] = conversation.sent_at(calls)
        home = f"{server.site.root}/alice"
        for parent, name in [(home, "a"), (f"{home}/a", "b")]:
            [made] = [call for call in calls if call.name == "mkdirat" and call.result == 0 and call.strings[0] == name]
            synced = [call for call in calls if covers(call, parent) and made.end <= call.begin and call.end < sent]
            self.assertTrue(synced, name)

    def test_without_durability_nothing_is_synced_which_this_test_would_see(self):
        server = self.serve(durability="none")
        conversation = Conversation(server.port, [f"MKD wanted-{i}" for i in range(8)])
        calls = self.traced(server, conversation)
        self.assertEqual(len(self.uncovered(server, calls, conversation)), 8)


if __name__ == "__main__":
    unittest.main()
