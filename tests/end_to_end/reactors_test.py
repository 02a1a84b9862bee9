"""The threads that serve connections: how many there are, and how they sleep."""
import os
import pathlib
import unittest

from harness import EndToEndTest, until
from control_client import can_log_in, logged_in
from system_calls import HAS_STRACE, calls_of_process

ALLOWED = os.sched_getaffinity(0)


class ReactorThreads(EndToEndTest):
    @staticmethod
    def pinned(server):
        """The processors to which threads of net keep that might use others as well."""
        threads = os.listdir(f"/proc/{server.child('net')}/task")
        masks = [os.sched_getaffinity(int(thread)) for thread in threads]
        widest = max(masks, key=len)
        return sorted(processor for mask in masks if mask < widest for processor in mask)

    def pinned_after_logins(self, **settings):
        server = self.serve(**settings)
        for _ in range(20):  # so that each of the threads has begun
            self.assertTrue(can_log_in(server.port))
        return self.pinned(server)

    def test_if_there_is_one_for_each_processor_it_stays_there(self):
        self.assertEqual(self.pinned_after_logins(), sorted(ALLOWED) if len(ALLOWED) > 1 else [])

    def test_otherwise_they_go_where_the_scheduler_wants(self):
        self.assertEqual(self.pinned_after_logins(reactors=len(ALLOWED) + 1), [])

    @unittest.skipIf(len(ALLOWED) < 2, "needs two processors")
    def test_only_processors_that_the_server_may_use_count(self):
        one = {max(ALLOWED)}
        server = self.start(self.make_site(), preexec_fn=lambda: os.sched_setaffinity(0, one))
        threads = os.listdir(f"/proc/{server.child('net')}/task")
        self.assertEqual({frozenset(os.sched_getaffinity(int(thread))) for thread in threads}, {frozenset(one)})

    @unittest.skipIf(len(ALLOWED) < 2, "needs two processors")
    @unittest.skipUnless(HAS_STRACE, "needs strace")
    def test_a_session_moves_with_its_client_and_a_lock_reaches_it(self):
        server = self.serve()
        session = logged_in(server.port)
        self.addCleanup(session.close)
        self.addCleanup(os.sched_setaffinity, 0, ALLOWED)
        with calls_of_process(server.site, server.child("net"), ("epoll_ctl",)) as calls:
            for processor in [*sorted(ALLOWED), min(ALLOWED)]:
                os.sched_setaffinity(0, {processor})
                for _ in range(200):
                    self.assertEqual(session.code("NOOP"), 200)
        moves = [call for call in calls if "EPOLL_CTL_DEL" in call.arguments]
        self.assertGreaterEqual(len(moves), len(ALLOWED))
        self.assertEqual(session.code("MKD made-after-the-move"), 257)
        server.log.wait_for(r"event=directory-made .*made-after-the-move")
        server.site.ftpcd("user", "lock", "alice")
        self.assertEqual(session.reply(), (421, "This account was changed; log in again."))

    @unittest.skipUnless(HAS_STRACE, "needs strace")
    def test_falling_asleep_adds_no_events_to_wait_for(self):
        # Adding one epoll to another costs the kernel a look at all that the other has: with 10,000 sessions 10 times a mkdir(2).
        server = self.serve(busy_poll=0)
        session = logged_in(server.port)
        self.addCleanup(session.close)
        threads = pathlib.Path(f"/proc/{server.child('net')}/task")

        def asleep():
            return all(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "S" for stat in threads.glob("*/stat"))

        commands = 50
        with calls_of_process(server.site, server.child("net"), ("epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2")) as calls:
            for _ in range(commands):
                until(asleep, "threads that sleep")
                self.assertEqual(session.code("NOOP"), 200)
        waits = [call for call in calls if call.name != "epoll_ctl"]
        added = [call for call in calls if "EPOLL_CTL_ADD" in call.arguments]
        self.assertGreaterEqual(len(waits), commands)
        self.assertLess(len(added), commands // 10, added[:3])

    def test_a_setting_that_is_no_more_stops_no_server(self):
        self.assertTrue(can_log_in(self.serve(pin_reactors="on").port))

    def test_a_change_waits_for_the_next_start_and_is_named(self):
        server = self.serve()
        server.site.configure(reactors=7)
        before = server.hang_up()
        server.log.wait_for(r'event=setting-changes-at-restart settings=reactors', before)
        server.log.wait_for("event=reloaded", before)


if __name__ == "__main__":
    unittest.main()
