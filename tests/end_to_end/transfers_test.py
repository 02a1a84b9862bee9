"""The life of a transfer as its own client steers it: ABOR and STAT in its midst, bounds, addresses and ports."""
import contextlib
import ftplib
import os
import select
import socket
import threading
import time
import unittest

from control_client import trusting_context
from data_connections import COMPLETE, CUT, NO_CONNECTION, OPENING, Lister, free_port, is_refused, read_to_end, read_what_comes
from harness import HAS_IPV6, PASSWORD, EndToEndTest, SharedServerTest, cpu_seconds, scaled, timing
from raw_tls import RawTlsContext, fill_with_key_updates
from system_calls import HAS_STRACE, calls_of_process

TELNET_INTERRUPT = b"\xff\xf4\xff\xf2"  # before ABOR, as lftp sends it (RFC 959 §4.1.3)
LONG_NAMES = [f"{i:0240}" for i in range(20_000)]  # no buffers on the way hold a listing of them all


def fill(directory):
    for name in LONG_NAMES:
        os.close(os.open(directory / name, os.O_CREAT | os.O_WRONLY, 0o644))


class StalledTransfers(SharedServerTest):
    """alice has a long directory, and reads nothing of its listing."""

    users = ("alice", "bob", "carol")
    settings = {"durability": "none", "max_transfers": "3", "max_transfers_per_user": "2"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for user in ("alice", "bob"):
            fill(cls.server.site.root / user)

    def stalled(self, user="alice", context=None):
        """A session whose transfer waits for its client, and the data connection. `context`: that of the control connection."""
        lister = Lister(self.server.port, user, context=context)
        self.addCleanup(lister.close)
        plain = lister.connect(lister.passive(), receive_buffer=4096)
        self.assertEqual(lister.control.ask("LIST").code, OPENING)
        data = lister.encrypt(plain) if context is None else lister.encrypt(plain, None, trusting_context())
        self.addCleanup(data.close)
        data.recv(1000)
        return lister, data

    @timing
    def test_abor_is_answered_within_a_second(self):
        for line in (b"ABOR", TELNET_INTERRUPT + b"ABOR", b"abor"):
            lister, data = self.stalled()
            began = time.monotonic()
            self.assertEqual(lister.control.ask(line).code, CUT)
            self.assertEqual(lister.control.reply().code, COMPLETE)
            self.assertLess(time.monotonic() - began, scaled(1))
            with self.assertRaises(OSError, msg="a listing that was cut ends like a whole one"):
                read_to_end(data)
            self.assertEqual(lister.control.ask("ABOR").code, 225)
            self.assertEqual(sorted(lister.listing()), LONG_NAMES)

    def test_abor_does_not_wait_behind_other_commands(self):
        lister, _ = self.stalled()
        for line in ("NOOP", "PWD", "ABOR"):
            lister.control.send(line)
        self.assertEqual([lister.control.reply().code for _ in range(4)], [CUT, COMPLETE, 200, 257])

    def test_stat_is_answered_in_the_midst_and_other_commands_wait(self):
        lister, data = self.stalled()
        for line in ("MKD waits", "STAT", "STAT"):
            lister.control.send(line)
        self.assertEqual([lister.control.reply().code for _ in range(2)], [211, 211])
        read_what_comes(data)
        self.assertEqual([lister.control.reply().code for _ in range(2)], [COMPLETE, 257])
        os.rmdir(self.server.site.root / "alice/waits")

    @timing
    def test_a_flood_of_stat_leaves_others_their_turn(self):
        with Lister(self.server.port, "carol") as other:
            flood, _ = self.stalled()
            line = b"\r\n" * 4000 + b"STAT\r\n" * 1300
            flood.control.send_while_reading(line * 20)
            longest = 0
            for _ in range(300):
                began = time.monotonic()
                self.assertEqual(other.control.ask("NOOP").code, 200)
                longest = max(longest, time.monotonic() - began)
                with contextlib.suppress(AssertionError):
                    flood.control.wait_at_most(0.001)
                    flood.control.reply()
        self.assertLess(longest, scaled(0.1))

    @unittest.skipUnless(HAS_STRACE, "needs strace")
    def test_between_two_stats_the_loop_looks_for_others(self):
        lister, _ = self.stalled()
        count = 1000
        looks = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
        with calls_of_process(self.server.site, self.server.child("net"), ("write", *looks)) as calls:
            codes = {reply.code for reply in lister.control.pipeline(["STAT"] * count)}
        self.assertEqual(codes, {211})
        longest = sent = 0
        for call in calls:
            sent = 0 if call.name in looks else sent + 1
            longest = max(longest, sent)
        self.assertGreaterEqual(sum(call.name == "write" for call in calls), count, "OpenSSL writes each reply by itself")
        self.assertLess(longest, 20)

    def test_answers_of_tls_that_nobody_takes_cost_nothing_in_a_transfer(self):
        lister, data = self.stalled(context=RawTlsContext())
        batches, rest = fill_with_key_updates(lister.control)
        before = cpu_seconds(self.server.child("net"))
        time.sleep(1)  # of processor time, if it were not waiting
        self.assertLess(cpu_seconds(self.server.child("net")) - before, 0.3)
        sender = threading.Thread(target=lister.control.into_socket().below().sendall, args=(rest,))
        sender.start()
        reader = threading.Thread(target=read_what_comes, args=(data,))
        reader.start()
        self.assertEqual([lister.control.reply().code for _ in range(batches + 1)], [COMPLETE] + [200] * batches)
        sender.join()
        reader.join()

    def test_a_slow_client_gets_the_whole_listing_and_its_end_in_order(self):
        for _ in range(10):
            lister, data = self.stalled()
            self.assertGreater(len(read_to_end(data)), 240 * (len(LONG_NAMES) - 100))
            self.assertEqual(lister.control.reply().code, COMPLETE)

    def test_quit_waits_for_the_end_of_the_transfer(self):
        lister, data = self.stalled()
        lister.control.send("QUIT")
        self.assertGreater(len(read_to_end(data)), 240 * (len(LONG_NAMES) - 100))
        self.assertEqual([lister.control.reply().code for _ in range(2)], [COMPLETE, 221])

    def test_more_commands_than_the_server_keeps_wait_in_the_network(self):
        lister, data = self.stalled()
        count = 5000
        lister.control.send_while_reading(b"NOOP with many more bytes than it needs\r\n" * count)
        lister.control.wait_at_most(1)
        with self.assertRaises(AssertionError):  # nothing is answered before the end of the transfer
            lister.control.reply()
        lister.control.wait_at_most(10)
        self.assertGreater(len(read_what_comes(data)), 240 * (len(LONG_NAMES) - 100))
        self.assertEqual(lister.control.reply().code, COMPLETE)
        self.assertEqual({lister.control.reply().code for _ in range(count)}, {200})

    def test_a_control_connection_that_ends_takes_its_transfer_with_it(self):
        lister, data = self.stalled()
        lister.close()
        with self.assertRaises(OSError):
            read_to_end(data)

    def test_transfers_of_one_user_and_of_all_are_bounded(self):
        of_alice = [self.stalled() for _ in range(2)]
        self.stalled("bob")
        with Lister(self.server.port, "carol") as fourth:
            with fourth.connect(fourth.passive()):
                self.assertEqual(fourth.ask("LIST").code, 450)
        with Lister(self.server.port) as third:
            with third.connect(third.passive()):
                self.assertEqual(third.ask("LIST").code, 450)
            self.assertEqual(of_alice[0][0].control.ask("ABOR").code, CUT)
            self.assertEqual(of_alice[0][0].control.reply().code, COMPLETE)
            self.assertEqual(sorted(third.listing()), LONG_NAMES)


class Fairness(SharedServerTest):
    settings = {"durability": "none"}

    def test_listings_at_the_same_time_get_on_alike(self):
        fill(self.server.site.root / "alice")
        listers = [Lister(self.server.port) for _ in range(6)]
        received = [0] * len(listers)
        open_ones = []
        for lister in listers:
            self.addCleanup(lister.close)
            data = lister.encrypt(lister.connect(lister.passive()))
            self.addCleanup(data.close)
            self.assertEqual(lister.control.ask("LIST").code, OPENING)
            open_ones.append(data)
        while all(open_ones):  # until the first has come to its end; each takes what is there
            ready = select.select(open_ones, [], [], scaled(10))[0]
            self.assertTrue(ready, "some listing goes on")
            for data in ready:
                got = len(data.recv(16384))
                received[open_ones.index(data)] += got
                if got == 0:
                    open_ones = [None]
                    break
        self.assertGreater(min(received), max(received) / 3, received)


class Addresses(EndToEndTest):
    def test_after_epsv_all_only_epsv_opens_a_port(self):
        server = self.serve()
        with Lister(server.port) as lister:
            self.assertEqual(lister.control.ask("PASV").code, 227)
            self.assertEqual(lister.control.ask("EPSV ALL").code, 200)
            self.assertEqual(lister.control.ask("PASV").code, 503)
            self.assertEqual(lister.listing(), [])

    def test_epsv_of_the_other_family_is_522_and_keeps_no_port(self):
        server = self.serve(passive_ports="2122")
        with Lister(server.port) as lister:
            for _ in range(3):
                self.assertEqual(lister.control.ask("EPSV 2").code, 522)
            self.assertEqual(lister.control.ask("EPSV 1").code, 229)

    def test_pasv_tells_the_address_of_the_setting_or_that_of_the_connection(self):
        for settings, address in (({}, "127,0,0,1,"), ({"passive_address": "192.0.2.7"}, "192,0,2,7,")):
            with Lister(self.serve(**settings).port) as lister:
                self.assertIn("(" + address, lister.control.ask("PASV").text)

    @unittest.skipUnless(HAS_IPV6, "this machine has no IPv6")
    def test_a_client_over_ipv6_lists_by_epsv_and_is_told_so_if_it_asks_for_pasv(self):
        server = self.start(self.make_site(), "--listen", "[::1]:0")
        (server.site.root / "alice/here").mkdir()
        context = trusting_context()

        class Client(ftplib.FTP_TLS):
            def ntransfercmd(self, cmd, rest=None):
                data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
                return self.context.wrap_socket(data, server_hostname="::1", session=self.sock.session), size

        with Client(context=context, timeout=scaled(10)) as client:
            client.connect("::1", server.port)
            client.login("alice", PASSWORD)
            client.prot_p()
            self.assertEqual(client.nlst(), ["here"])
            with self.assertRaisesRegex(ftplib.error_temp, "425 .*EPSV"):
                client.sendcmd("PASV")


class Reservations(SharedServerTest):
    def test_another_pasv_takes_the_place_of_the_one_before(self):
        with Lister(self.server.port) as lister:
            first = lister.passive()
            second = lister.passive()
            if first != second:
                self.assertTrue(is_refused(first))
            self.assertEqual(lister.listing(), [])
            self.assertTrue(is_refused(second))

    def test_each_listing_brings_the_ticket_for_the_next(self):
        with Lister(self.server.port) as lister:
            session = lister.tls_session
            ids = {session.id}
            for _ in range(3):
                with lister.connect(lister.passive()) as plain:
                    lister.control.send("NLST")
                    with lister.encrypt(plain, session) as data:
                        read_to_end(data)
                        self.assertTrue(data.session_reused)
                        session = data.session
                self.assertEqual(lister.last_reply().code, COMPLETE)
                ids.add(session.id)
        self.assertEqual(len(ids), 4, "a ticket is used once")

    def test_feat_names_the_extensions_for_listings(self):
        with Lister(self.server.port) as lister:
            features = lister.control.ask("FEAT").text.splitlines()
        for feature in (" CLNT", " EPSV", " MDTM", " MLST type*;size*;modify*;perm*;unique*;unix.mode*;", " SIZE", " TVFS", " SITE MLSD"):
            self.assertIn(feature, features)


class Ports(EndToEndTest):
    def test_ports_that_are_taken_are_named_and_the_server_makes_directories_without_any(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            control = free_port()
            site = self.make_site(passive_ports=str(port))
            done = site.ftpcd("check", "--listen", f"127.0.0.1:{control}")
            self.assertIn(f"passive-ports: cannot listen on 127.0.0.1:{port}", done.stdout + done.stderr)
            server = self.start(site, "--listen", f"127.0.0.1:{control}")
            self.assertIn(f"event=not-listening address=127.0.0.1:{port}", server.log.text)
            self.assertIn("event=no-passive-ports", server.log.text)
            with Lister(control) as lister:
                self.assertEqual(lister.control.ask("MKD a").code, 257)
                answer = lister.control.ask("EPSV")
                self.assertEqual(answer.code, NO_CONNECTION)
                self.assertIn("has no port for data connections", answer.text)
                self.assertEqual(lister.control.ask("MKD b").code, 257)

    def test_a_range_of_ports_is_opened_beside_the_port_of_the_server(self):
        first = free_port()
        control = free_port()
        server = self.start(self.make_site(passive_ports=f"{first}-{first + 3}"), "--listen", f"127.0.0.1:{control}")
        with Lister(control) as lister:
            ports = {lister.passive() for _ in range(8)}
            self.assertTrue(ports <= set(range(first, first + 4)), ports)
            self.assertEqual(lister.listing(), [])
        self.assertTrue(all(is_refused(port) for port in ports))


if __name__ == "__main__":
    unittest.main()
