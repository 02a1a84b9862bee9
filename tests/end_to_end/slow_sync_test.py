"""A slow sync keeps only its own clients waiting, and does not keep net from its end."""
import unittest

from harness import EndToEndTest, is_alive, scaled, until
from control_client import logged_in
from faults import Faults


class SlowSync(EndToEndTest):
    """A server in which the sync for `waiting` does not end."""

    def setUp(self):
        site = self.make_site()
        self.faults = Faults(site.directory)
        self.server = self.start(site, env=self.faults.environment)
        self.addCleanup(self.faults.none)  # before the server is stopped
        self.waiting, self.idle = (self.session() for _ in range(2))
        self.assertEqual(self.waiting.code("MKD before"), 257)
        self.faults.hold("fsync-directory")
        self.waiting.send("MKD a")
        until(lambda: self.faults.hit, "the sync is under way")

    def session(self):
        control = logged_in(self.server.port)
        self.addCleanup(control.close)
        return control

    def assert_net_ends_by_itself(self):
        net = self.server.child("net")
        self.server.process.terminate()
        self.assertEqual(self.idle.reply().code, 421)  # net has its order
        with self.server.paused():
            until(lambda: not is_alive(net), "net has ended, though the sync has not")
        self.assertEqual(self.server.process.wait(scaled(15)), 0)

    def test_net_does_not_wait_for_the_sync_at_its_end(self):
        self.assert_net_ends_by_itself()
        self.assertEqual([self.waiting.reply().code for _ in range(2)], [451, 421])

    def test_nor_if_the_client_has_gone(self):
        self.waiting.reset_on_close()
        self.waiting.close()
        self.server.log.wait_for("event=disconnected ")
        self.assert_net_ends_by_itself()


if __name__ == "__main__":
    unittest.main()
