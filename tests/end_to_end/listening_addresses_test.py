"""`listen`: both families, addresses that are given twice or that the machine lacks, and ports that others have."""
import socket
import unittest

from harness import HAS_IPV6, FTPCD, IS_ROOT, EndToEndTest, run

# A network of its own: 127.0.0.1 and no IPv6, while localhost has an address of each family.
WITHOUT_IPV6 = """
ip link set lo up
sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
printf '127.0.0.1 localhost\\n::1 localhost\\n' > "$1"
mount --bind "$1" /etc/hosts
shift
exec "$@"
"""


def free_port():
    """A port that both families have free."""
    with socket.create_server(("", 0)) as taken:
        return taken.getsockname()[1]


def greeting(family, address, port):
    with socket.socket(family) as client:
        client.settimeout(10)
        client.connect((address, port))
        return client.recv(3)


class ListeningAddresses(EndToEndTest):
    def serve_on(self, *addresses):
        site = self.make_site(listen=None)
        flags = [word for address in addresses for word in ("--listen", address)]
        return self.start(site, *flags), site.ftpcd("check", *flags)

    @unittest.skipUnless(HAS_IPV6, "this machine has no IPv6")
    def test_both_families_are_served_in_any_words(self):
        port = free_port()
        for addresses in ((f"0.0.0.0:{port}", f"[::]:{port}"), (f"[::]:{port}", f"127.0.0.1:{port}", f"127.0.0.1:{port}"),
                          (f"*:{port}",), (f":{port}", f"[::]:{port}")):
            with self.subTest(addresses):
                server, check = self.serve_on(*addresses)
                self.assertEqual(greeting(socket.AF_INET, "127.0.0.1", port), b"220")
                self.assertEqual(greeting(socket.AF_INET6, "::1", port), b"220")
                self.assertEqual((check.returncode, check.stderr), (0, ""), "the running server has the port")
                self.assertEqual(server.stop(), 0)

    def test_addresses_that_the_machine_lacks_are_left_out_and_said(self):
        server, check = self.serve_on("192.0.2.1:2121", "no-such-host.invalid:2121", "127.0.0.1:0")
        self.assertEqual(greeting(socket.AF_INET, "127.0.0.1", server.port), b"220")
        for address in ("192.0.2.1:2121", "no-such-host.invalid:2121"):
            self.assertRegex(server.log.text, f"event=not-listening address={address} reason=")
            self.assertIn(f"ftpcd: listen: cannot listen on {address}: ", check.stderr)

    @unittest.skipUnless(IS_ROOT, "only root makes a network")
    def test_a_name_is_served_at_the_addresses_that_the_machine_has(self):
        hosts = self.make_directory() / "hosts"
        wrapper = ("unshare", "-n", "-m", "sh", "-c", WITHOUT_IPV6, "sh", str(hosts))
        site = self.make_site(listen="localhost:2121")
        server = self.start(site, wrapper=wrapper)
        self.assertEqual(server.address, "127.0.0.1:2121")
        self.assertIn('address="[::1]:2121 (localhost:2121)" reason=', server.log.text)
        done = run(*wrapper, FTPCD, "check", "--config", str(site.config))
        self.assertEqual((done.returncode, done.stderr), (0, ""), "the name has another address")
        self.assertIn("left out: cannot listen on [::1]:2121 (localhost:2121): ", done.stdout)
        done = run(*wrapper, FTPCD, "serve", "--config", str(site.config), "--data", str(site.directory / "other"),
                   "--listen", "[::1]:2121")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, "cannot listen on [::1]:2121: ")

    def test_check_names_a_port_that_another_program_has(self):
        site = self.make_site()
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            for address in (f"127.0.0.1:{port}", f"*:{port}"):
                done = site.ftpcd("check", "--listen", address)
                self.assertEqual(done.returncode, 1)
                self.assert_one_line(done.stderr, f":{port}", "Address already in use", f"ss -ltnp 'sport = :{port}'")


if __name__ == "__main__":
    unittest.main()
