"""The realm, which `ftpc` needs for a login, is named from the first FEAT on, also just after a restart."""
import os
import signal
import threading
import unittest

from harness import EndToEndTest
from control_client import connect


class Realm(EndToEndTest):
    def test_clients_of_a_net_that_has_just_started_wait_for_it(self):
        server = self.serve()
        auth = server.child("auth")
        os.kill(auth, signal.SIGSTOP)
        go_on = threading.Timer(0.3, os.kill, (auth, signal.SIGCONT))
        os.kill(server.child("net"), signal.SIGKILL)
        go_on.start()
        with connect(server.port) as control:  # waits in the queue of the listening socket
            self.assertIn("SITE REALM", control.ask("FEAT").text)
        go_on.join()

    def test_the_first_client_of_a_server_hears_it(self):
        with connect(self.serve().port) as control:
            self.assertIn("SITE REALM", control.ask("FEAT").text)

    def test_an_auth_that_says_nothing_keeps_no_client_waiting_for_long(self):
        server = self.serve()
        os.kill(server.child("auth"), signal.SIGSTOP)
        os.kill(server.child("net"), signal.SIGKILL)
        with connect(server.port) as control:
            self.assertNotIn("SITE REALM", control.ask("FEAT").text)


if __name__ == "__main__":
    unittest.main()
