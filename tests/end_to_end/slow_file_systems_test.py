"""Commands that come together share the syncs of their parents, also where a sync takes its time and may never end."""
import errno
import time
import unittest

from harness import EndToEndTest, SANITIZED, scaled, timing, tree_owner, until
from control_client import logged_in
from hanging_file_system import FSYNCDIR, MKDIR, HangingFileSystem, needs_fuse

IN_FLIGHT = 64
SLOW_SYNC = 0.005  # seconds
FASTER = 4         # times, under any load: 9 to 11 were measured beside compilers
NOT_ON_DISK = (451, "The directory may not be on disk: Input/output error")
LEFT = (451, "The directory may not be on disk: Operation canceled")


class OnSlowFileSystem(EndToEndTest):
    """A server for alice, whose home is on FUSE, and bob."""
    settings = {}

    def setUp(self):
        site = self.make_site(("alice", "bob"), **self.settings)
        self.slow = HangingFileSystem(site.root / "alice", tree_owner())
        self.addCleanup(self.slow.unmount)
        self.server = self.start(site)
        self.addCleanup(self.slow.go_on)  # before the server is stopped
        with self.session() as control:  # which ends the doubt
            self.assertEqual(control.code("SITE MKDIR deep/er"), 257)
        self.slow.fsyncdir_nodes.clear()

    def session(self, user="alice"):
        control = logged_in(self.server.port, user)
        self.addCleanup(control.close)
        return control


# A sanitizer makes the server so slow that the 250 ms are over more often.
SLOWNESS = 4 if SANITIZED else 1


@needs_fuse
class SharedSyncs(OnSlowFileSystem):
    def test_one_parent_is_synced_once_for_all_that_came_together(self):
        control = self.session()
        for where in ("", "/", "deep/er/", "/deep/"):
            with self.subTest(where):
                self.slow.fsyncdir_nodes.clear()
                replies = control.pipeline([f"MKD {where}{len(where)}-{i}" for i in range(IN_FLIGHT)])
                self.assertEqual([reply.code for reply in replies], [257] * IN_FLIGHT)
                # Once, if all had come in one piece, and none had waited for 250 ms.
                self.assertLessEqual(len(self.slow.fsyncdir_nodes), 4 * SLOWNESS)

    def test_each_of_several_parents_is_synced_once(self):
        control = self.session()
        commands = [f"MKD {parent}/{i}" for i in range(20) for parent in ("deep", "deep/er", "")]
        self.assertEqual({reply.code for reply in control.pipeline(commands)}, {257})
        self.assertEqual(set(self.slow.fsyncdir_nodes), {1, 2, 3})
        self.assertLessEqual(len(self.slow.fsyncdir_nodes), 12 * SLOWNESS)

    def test_replies_keep_their_order_although_some_commands_fail(self):
        control = self.session()
        commands = ["MKD a", "PWD", "MKD a", "MKD none/x", "CWD a", "MKD b", "PWD", "SITE MKDIR x/y", "CDUP", "MKD a/c", "NOOP"]
        replies = control.pipeline(commands)
        self.assertEqual([reply.code for reply in replies], [257, 257, 521, 550, 250, 257, 257, 257, 250, 257, 200])
        self.assertEqual([reply.text.split('"')[1] for reply in replies if reply.code == 257],
                         ["/a", "/", "/a/b", "/a", "/a/x/y", "/a/c"])
        self.assertTrue((self.server.site.root / "alice/a/x/y").is_dir())
        self.assertEqual(len(self.slow.fsyncdir_nodes), 3, "one turn, one sync for each parent")

    def test_the_log_has_a_line_for_each(self):
        self.session().pipeline(["MKD a", "MKD b", "SITE MKDIR c/d"])
        for path, made in (("a", 1), ("b", 1), ("c/d", 2)):
            self.server.log.wait_for(rf"event=directory-made id=\d+ user=alice path=/{path}" + (f" made={made}" if made > 1 else "$"))

    def test_a_failed_sync_fails_all_that_depend_on_it_and_nothing_else(self):
        control = self.session()
        self.slow.errors[FSYNCDIR] = errno.EIO
        replies = control.pipeline(["MKD a", "NOOP", "MKD none/x", "MKD a", "MKD deep/b", "PWD"])
        self.assertEqual([reply.code for reply in replies], [451, 200, 550, 451, 451, 257])
        self.assertEqual(replies[0], NOT_ON_DISK)
        self.server.log.wait_for('event=sync-failed error="Input/output error"')
        self.slow.errors.clear()
        self.slow.fsyncdir_nodes.clear()
        self.assertEqual(control.code("MKD deep/c"), 257)
        self.assertEqual(self.slow.fsyncdir_nodes, [2, 1], "the parent, and what is above it")

    def test_a_client_that_does_not_wait_leaves_nothing_unsynced(self):
        control = self.session()
        begin = self.server.log_size()
        self.slow.delays[MKDIR] = 0.05
        control.send_bytes(b"MKD a\r\nMKD deep/b\r\nMKD deep/er/c\r\n")
        until(lambda: (self.server.site.root / "alice/a").exists(), "the first is made")
        control.reset_on_close()
        control.close()
        self.server.log.wait_for("event=disconnected", begin)
        made = sum(self.server.log.text.count(f"path={path}\n", begin) for path in ("/a", "/deep/b", "/deep/er/c"))
        self.assertGreaterEqual(made, 1)
        until(lambda: len(set(self.slow.fsyncdir_nodes)) >= made, "each parent is synced although nobody waits")

    def test_a_client_that_never_stops_is_answered_all_the_same(self):
        control = self.session()
        self.slow.delays[MKDIR] = 0.02
        control.send_bytes(b"".join(b"MKD %d\r\n" % i for i in range(100)))
        began = time.monotonic()
        self.assertEqual(control.reply().code, 257)
        self.assertLess(time.monotonic() - began, scaled(1.0), "the first is answered while others are still to be made")
        self.assertEqual({control.reply().code for _ in range(99)}, {257})


@needs_fuse
class HangingSync(OnSlowFileSystem):
    settings = {"idle_timeout": f"{round(scaled(2))}s"}

    @timing
    def test_a_session_that_waits_for_a_hanging_sync_is_dropped_and_nobody_else_waits(self):
        control, other = self.session(), self.session("bob")
        held = []
        answer = self.slow._answer

        def hold_syncs(kind, *request):
            if kind == FSYNCDIR:
                held.append((kind, *request))
            else:
                answer(kind, *request)
        self.slow._answer = hold_syncs
        control.send_bytes(b"MKD a\r\nPWD\r\nMKD b\r\n")
        until(lambda: held, "the sync is under way")
        for i in range(20):
            began = time.monotonic()
            self.assertEqual(other.code(f"MKD {i}"), 257)
            self.assertLess(time.monotonic() - began, scaled(1.0))
        self.assertEqual([control.reply() for _ in range(4)],
                         [LEFT, (257, '"/" is the working directory.'), LEFT, (421, "The file system does not answer; closing.")])
        self.assertTrue(control.ended())
        self.server.log.wait_for(r"event=operation-abandoned id=\d+ user=alice")
        self.slow._answer = answer
        for request in held:
            self.slow._answer(*request)
        self.assertEqual(self.session().code("MKD a"), 521)


@needs_fuse
class Rate(OnSlowFileSystem):
    @timing
    def test_64_in_flight_are_many_times_as_fast_as_a_sync_for_each(self):
        self.slow.delays[FSYNCDIR] = SLOW_SYNC
        control = self.session()
        alone, together = [], []
        for round_number in range(5):
            for in_flight, rates in ((1, alone), (IN_FLIGHT, together)):
                began = time.monotonic()
                for batch in range(IN_FLIGHT // in_flight):
                    replies = control.pipeline([f"MKD {round_number}-{in_flight}-{batch}-{i}" for i in range(in_flight)])
                    self.assertEqual({reply.code for reply in replies}, {257})
                rates.append(IN_FLIGHT / (time.monotonic() - began))
        print(f"with a sync that takes {SLOW_SYNC * 1e3:.0f} ms: {max(alone):.0f} directories a second one by one, "
              f"{max(together):.0f} with {IN_FLIGHT} in flight")
        self.assertGreater(max(together), FASTER * max(alone))


if __name__ == "__main__":
    unittest.main()
