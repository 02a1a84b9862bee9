"""How often ftpc has to wait for the server."""
import unittest

from harness import EndToEndTest, directories_in
from ftpc_client import FtpcUser
from relays import FlightRelay


class RoundTrips(EndToEndTest):
    def setUp(self):
        self.server = self.serve()
        self.user = FtpcUser(self.make_directory())
        self.assertEqual(self.user.log_in(self.server).returncode, 0)
        self.relay = FlightRelay(self.server.port)
        self.addCleanup(self.relay.close)
        # To ftpc the relay is the server that it has logged in at.
        for file in self.user.state.iterdir():
            file.write_text(file.read_text(encoding="utf-8").replace(self.server.address, self.relay.address), encoding="utf-8")

    def assert_few_round_trips(self, *command, prints):
        """Connect, AUTH TLS, handshake, and one flight for the rest."""
        done = self.user.ftpc(*command)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, prints, ""))
        self.assertEqual(self.relay.failures, [])
        auth_tls, hello, rest = self.relay.flights
        self.assertEqual(auth_tls, b"AUTH TLS\r\n")
        self.assertEqual(hello[:1], b"\x16", "a TLS handshake record: ClientHello")
        self.assertGreater(len(rest), 200, "Finished, USER, SITE AUTH, the commands for the paths and QUIT")

    def test_a_mkdir_needs_connect_auth_tls_handshake_and_one_flight_for_the_rest(self):
        self.assert_few_round_trips("mkdir", "a", "b", "c", prints="/a\n/b\n/c\n")
        self.assertEqual(directories_in(self.server.site.root / "alice"), {"a", "b", "c"})

    def test_an_ls_needs_no_more_for_many_paths_and_a_listing_of_many_replies(self):
        home = self.server.site.root / "alice"
        names = [f"{number:05}" for number in range(1500)]
        (home / "small").mkdir()
        for name in names:
            (home / "large" / name).mkdir(parents=True)
        self.assert_few_round_trips("ls", "small", "large", prints="small:\n\nlarge:\n" + "".join(f"{name}/\n" for name in names))

    def test_a_tree_needs_no_more(self):
        (self.server.site.root / "alice/a/b/c").mkdir(parents=True)
        self.assert_few_round_trips("tree", prints="/\n└── a/\n    └── b/\n        └── c/\n\n3 directories, 0 files\n")


if __name__ == "__main__":
    unittest.main()
