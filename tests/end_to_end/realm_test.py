"""The realm, which `ftpc` needs for a login, is named from the first FEAT on, whatever has just started."""
import os
import signal
import unittest

from harness import EndToEndTest
from control_client import connect


class Realm(EndToEndTest):
    def test_the_first_clients_of_a_server_and_of_a_net_that_comes_back_hear_it(self):
        server = self.serve()
        for _ in range(10):
            with connect(server.port) as control:
                self.assertIn("SITE REALM", control.ask("FEAT").text)
            os.kill(server.child("net"), signal.SIGKILL)  # the next client waits for the next net

    def test_an_auth_that_says_nothing_keeps_no_client_waiting_for_long(self):
        server = self.serve()
        os.kill(server.child("auth"), signal.SIGSTOP)
        os.kill(server.child("net"), signal.SIGKILL)
        with connect(server.port) as control:
            self.assertNotIn("SITE REALM", control.ask("FEAT").text)


if __name__ == "__main__":
    unittest.main()
