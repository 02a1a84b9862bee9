"""The threads that serve connections: how many there are, and on which processors."""
import os
import pathlib
import unittest

from harness import EndToEndTest, until
from control_client import can_log_in, connect, logged_in
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

    def check_none_is_pinned(self, **settings):
        server = self.serve(**settings)
        for _ in range(20):  # so that each of the threads has begun
            self.assertTrue(can_log_in(server.port))
        self.assertEqual(self.pinned(server), [])

    @unittest.skipIf(len(ALLOWED) < 2, "needs two processors")
    def test_one_for_each_processor_keeps_to_it(self):
        server = self.serve()
        until(lambda: self.pinned(server) == sorted(ALLOWED), "a thread for each processor")

    @unittest.skipIf(len(ALLOWED) < 2, "needs two processors")
    def test_one_with_a_client_that_is_not_logged_in_goes_where_the_scheduler_wants(self):
        server = self.serve()
        clients = []
        self.addCleanup(lambda: [client.close() for client in clients])
        for there in range(1, len(ALLOWED) + 1):  # each goes to the thread with the fewest connections
            clients.append(connect(server.port))
            until(lambda: len(self.pinned(server)) == len(ALLOWED) - there, f"all but {there} that keep to a processor")
        for client in clients:
            client.log_in()
        until(lambda: self.pinned(server) == sorted(ALLOWED), "all that keep to a processor")
        clients[0].ask("REIN")
        until(lambda: len(self.pinned(server)) == len(ALLOWED) - 1, "one that goes anywhere again")
        clients[0].close()
        until(lambda: self.pinned(server) == sorted(ALLOWED), "all that keep to a processor")

    def test_switched_off_they_go_where_the_scheduler_wants(self):
        self.check_none_is_pinned(pin_reactors="off")

    def test_more_or_fewer_than_processors_go_where_the_scheduler_wants(self):
        self.check_none_is_pinned(reactors=len(ALLOWED) + 1)
        if len(ALLOWED) > 1:
            self.check_none_is_pinned(reactors=1)

    @unittest.skipIf(len(ALLOWED) < 2, "needs two processors")
    def test_only_processors_that_the_server_may_use_count(self):
        one = {max(ALLOWED)}
        server = self.start(self.make_site(), preexec_fn=lambda: os.sched_setaffinity(0, one))
        threads = os.listdir(f"/proc/{server.child('net')}/task")
        self.assertEqual({frozenset(os.sched_getaffinity(int(thread))) for thread in threads}, {frozenset(one)})

    @unittest.skipIf(len(ALLOWED) < 2, "needs two processors")
    def test_an_administrators_taskset_is_followed(self):
        server = self.serve()
        until(lambda: self.pinned(server) == sorted(ALLOWED), "a thread for each processor")
        only = {min(ALLOWED)}
        threads = f"/proc/{server.child('net')}/task"
        for thread in os.listdir(threads):
            os.sched_setaffinity(int(thread), only)
        for _ in range(2 * len(ALLOWED)):  # whatever their threads do then
            self.assertTrue(can_log_in(server.port))
        self.assertEqual({frozenset(os.sched_getaffinity(int(thread))) for thread in os.listdir(threads)}, {frozenset(only)})

    @unittest.skipUnless(HAS_STRACE, "needs strace")
    def test_falling_asleep_adds_nothing_to_what_is_waited_for(self):
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

    def test_a_change_waits_for_the_next_start_and_is_named(self):
        server = self.serve()
        server.site.configure(reactors=7, pin_reactors="off")
        before = server.hang_up()
        server.log.wait_for(r'event=setting-changes-at-restart settings="reactors, pin-reactors"', before)
        server.log.wait_for("event=reloaded", before)


if __name__ == "__main__":
    unittest.main()
