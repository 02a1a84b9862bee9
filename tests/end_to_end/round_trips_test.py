"""How often ftpc has to wait for the server."""
import unittest

from harness import EndToEndTest, directories_in
from ftpc_client import FtpcUser
from relays import FlightRelay


class RoundTrips(EndToEndTest):
    def test_a_mkdir_needs_connect_auth_tls_handshake_and_one_flight_for_the_rest(self):
        server = self.serve()
        user = FtpcUser(self.make_directory())
        self.assertEqual(user.log_in(server).returncode, 0)
        relay = FlightRelay(server.port)
        self.addCleanup(relay.close)
        # To ftpc the relay is the server that it has logged in at.
        for file in user.state.iterdir():
            file.write_text(file.read_text(encoding="utf-8").replace(server.address, relay.address), encoding="utf-8")

        done = user.ftpc("mkdir", "a", "b", "c")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "/a\n/b\n/c\n", ""))
        self.assertEqual(relay.failures, [])
        self.assertEqual(directories_in(server.site.root / "alice"), {"a", "b", "c"})
        auth_tls, hello, rest = relay.flights
        self.assertEqual(auth_tls, b"AUTH TLS\r\n")
        self.assertEqual(hello[:1], b"\x16", "a TLS handshake record: ClientHello")
        self.assertGreater(len(rest), 200, "Finished, USER, SITE AUTH, three MKDs and QUIT")


if __name__ == "__main__":
    unittest.main()
