"""Attacks on listings: other people's data connections, clients that do not go on, tickets of others, and a tree that changes."""
import collections
import contextlib
import os
import shutil
import socket
import ssl
import struct
import threading
import time
import unittest

from control_client import Control, connect, trusting_context
from data_connections import (COMPLETE, CUT, NO_CONNECTION, OPENING, WITHOUT_RESUMPTION, Lister, connect_plainly, free_port, is_refused, is_reset,
                              read_to_end, read_what_comes)
from harness import EndToEndTest, SharedServerTest, scaled, timing, tree_owner, until
from races import swapping

NAMES = ["one", "two", "三"]
LONG_NAMES = [f"{i:0240}" for i in range(20_000)]  # no buffers on the way hold a listing of them all, which has 6 MB
RESET = struct.pack("ii", 1, 0)


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def fill(directory):
    for name in LONG_NAMES:
        os.close(os.open(directory / name, os.O_CREAT | os.O_WRONLY, 0o644))


class ListingAttackTest(SharedServerTest):
    """alice has the directories of NAMES, and `net` must outlive every test."""

    users = ("alice", "bob")
    settings = {"durability": "none"}

    def setUp(self):
        self.home = self.server.site.root / "alice"
        self.net = self.server.child("net")
        for name in NAMES:
            self.make(name)
        self.addCleanup(self.clean)

    def clean(self):
        for entry in os.scandir(os.fsencode(self.home)):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
        self.assertEqual(self.server.child("net"), self.net, self.server.log.text)

    def make(self, path):
        directory = self.home / path
        directory.mkdir(parents=True)
        os.chown(directory, *tree_owner())
        return directory

    def lister(self, *arguments, **options):
        lister = Lister(self.server.port, *arguments, **options)
        self.addCleanup(lister.close)
        return lister

    def assert_lists(self, lister, **options):
        self.assertEqual(sorted(lister.listing(**options)), sorted(NAMES))


class DataConnectionsOfOthers(ListingAttackTest):
    def test_a_connection_without_a_reservation_is_reset_at_once(self):
        lister = self.lister()
        port = lister.passive()
        with lister.connect(port) as plain:
            lister.control.send("NLST")
            with lister.encrypt(plain) as data:
                read_to_end(data)
        self.assertEqual(lister.last_reply().code, COMPLETE)
        for source in ("127.0.0.1", "127.0.0.2"):
            self.assertTrue(is_refused(port, source), source)

    def test_a_connection_from_another_address_is_reset_and_takes_no_reservation(self):
        lister = self.lister()
        port = lister.passive()
        self.assertTrue(is_refused(port, "127.0.0.2"))
        with lister.connect(port) as plain:
            lister.control.send("NLST")
            self.assertTrue(is_refused(port, "127.0.0.2"))
            with lister.encrypt(plain) as data:
                self.assertEqual(sorted(read_to_end(data).splitlines()), sorted(NAMES))
        self.assertEqual(lister.last_reply().code, COMPLETE)

    def test_a_second_connection_is_reset_and_the_first_lists(self):
        lister = self.lister()
        port = lister.passive()
        with lister.connect(port) as plain:
            self.assertTrue(is_refused(port))
            lister.control.send("NLST")
            self.assertTrue(is_refused(port))
            with lister.encrypt(plain) as data:
                self.assertEqual(sorted(read_to_end(data).splitlines()), sorted(NAMES))
        self.assertEqual(lister.last_reply().code, COMPLETE)

    def test_a_connection_of_a_command_that_was_refused_does_not_serve_the_next(self):
        lister = self.lister()
        for _ in range(100):
            with lister.connect(lister.passive()):
                self.assertEqual(lister.ask("NLST missing").code, 550)
            self.assert_lists(lister)

    def test_a_new_login_on_the_connection_ends_the_reservation(self):
        lister = self.lister()
        port = lister.passive()
        self.assertEqual(lister.control.log_in("bob").code, 230)
        self.assertTrue(is_refused(port))
        self.assertEqual(lister.ask("NLST").code, NO_CONNECTION)
        port = lister.passive()
        lister.close()
        until(lambda: is_refused(port), "the end of the session ends its reservation")

    def test_a_listing_without_a_reservation_is_refused(self):
        lister = self.lister()
        for command in ("LIST", "NLST", "MLSD"):
            self.assertEqual(lister.ask(command).code, NO_CONNECTION)
        self.assert_lists(lister)

    def test_a_thousand_connects_and_resets_disturb_no_listing_and_fill_no_log(self):
        lister = self.lister()
        self.assert_lists(lister)
        descriptors = descriptors_of(self.net)
        before = self.server.log_size()
        for source in ("127.0.0.2", "127.0.0.1"):
            port = lister.passive()
            if source == "127.0.0.1":  # with no reservation there is nothing to take
                with lister.connect(port) as plain:
                    lister.control.send("NLST")
                    with lister.encrypt(plain) as data:
                        read_to_end(data)
                self.assertEqual(lister.last_reply().code, COMPLETE)
            for i in range(500):
                with contextlib.suppress(OSError), connect_plainly(port, source) as scanner:
                    scanner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                if source == "127.0.0.2" and i % 25 == 0:
                    self.assert_lists(lister)
        self.assert_lists(lister)
        self.assertLess(self.server.log.text[before:].count("\n"), 50, self.server.log.text[before:])
        until(lambda: descriptors_of(self.net) <= descriptors, "no descriptor is left", 20)

    def test_the_first_of_the_same_address_gets_a_listing_only_without_tickets(self):
        # docs/security.md names this price of `data-resumption = prefer`; here the victim demands resumption by its login.
        victim = self.lister(site_auth=True)
        port = victim.passive()
        with connect_plainly(port) as plain:
            victim.control.send("NLST")
            self.assertTrue(is_refused(port), "the victim comes too late")
            stolen = b""
            with contextlib.suppress(OSError), victim.encrypt(plain, session=None, context=trusting_context()) as thief:
                stolen = read_what_comes(thief)
        self.assertEqual(stolen, b"")
        self.assertEqual(victim.last_reply().code, WITHOUT_RESUMPTION)
        self.assert_lists(victim)


class ClientsThatDoNotGoOn(ListingAttackTest):
    users = ("alice", "bob", "carol")
    settings = {**ListingAttackTest.settings, "transfer_timeout": "2s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        fill(cls.server.site.root / "carol")

    def test_a_client_that_never_connects_or_never_begins_tls_gets_425(self):
        absent, silent, other = (self.lister(source=f"127.0.0.{i}") for i in (2, 3, 4))
        absent.passive()
        with silent.connect(silent.passive()) as plain:
            begun = time.monotonic()
            for lister in (absent, silent):
                lister.control.wait_at_most(60)
                lister.control.send("NLST")
            self.assert_lists(other)
            for lister in (absent, silent):
                self.assertEqual(lister.last_reply().code, NO_CONNECTION)
            self.assertLess(time.monotonic() - begun, scaled(50))
            self.assertTrue(is_reset(plain))
        for lister in (absent, silent):
            self.assert_lists(lister)

    def test_a_client_that_never_reads_is_cut_off(self):
        lister, other = self.lister("carol"), self.lister()
        descriptors = descriptors_of(self.net)
        with lister.connect(lister.passive(), receive_buffer=4096) as plain:
            self.assertEqual(lister.control.ask("LIST").code, OPENING)
            with lister.encrypt(plain) as data:
                self.assert_lists(other)
                self.assertEqual(lister.last_reply().code, CUT)
                with self.assertRaises(OSError, msg="a listing that was cut ends like a whole one"):
                    read_to_end(data)
        self.assertEqual(sorted(lister.listing()), LONG_NAMES)
        until(lambda: descriptors_of(self.net) <= descriptors, "no descriptor is left", 20)

    def test_a_client_that_never_closes_gets_226_and_can_go_on(self):
        lister = self.lister()
        descriptors = descriptors_of(self.net)
        kept = []
        for _ in range(5):
            plain = lister.connect(lister.passive())
            self.addCleanup(plain.close)
            lister.control.send("NLST")
            data = lister.encrypt(plain)
            self.addCleanup(data.close)
            self.assertEqual(sorted(read_to_end(data).splitlines()), sorted(NAMES))
            self.assertEqual(lister.last_reply().code, COMPLETE)
            kept.append(data)
        until(lambda: descriptors_of(self.net) <= descriptors, "the server closes what the clients keep open", 20)

    def test_a_client_that_leaves_in_the_middle_is_answered_426(self):
        lister = self.lister("carol")
        for _ in range(5):
            with lister.connect(lister.passive(), receive_buffer=4096) as plain:
                self.assertEqual(lister.control.ask("LIST").code, OPENING)
                with lister.encrypt(plain) as data:
                    data.recv(1000)
                    data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.assertEqual(lister.last_reply().code, CUT)
        self.assertEqual(sorted(lister.listing()), LONG_NAMES)


class Handshakes(ListingAttackTest):
    def listed_over(self, lister, data):
        names = sorted(read_to_end(data).splitlines())
        self.assertEqual(lister.last_reply().code, COMPLETE)
        return names

    def test_the_handshake_may_come_before_the_command(self):
        lister = self.lister()
        with lister.connect(lister.passive()) as plain, lister.encrypt(plain) as data:
            lister.control.send("NLST")
            self.assertEqual(self.listed_over(lister, data), sorted(NAMES))

    def test_the_handshake_may_come_after_150(self):
        lister = self.lister()
        with lister.connect(lister.passive()) as plain:
            self.assertEqual(lister.control.ask("NLST").code, OPENING)
            with lister.encrypt(plain) as data:
                self.assertEqual(self.listed_over(lister, data), sorted(NAMES))

    def test_the_connection_may_come_after_150(self):
        lister = self.lister()
        port = lister.passive()
        self.assertEqual(lister.control.ask("NLST").code, OPENING)
        with lister.connect(port) as plain, lister.encrypt(plain) as data:
            self.assertEqual(self.listed_over(lister, data), sorted(NAMES))

    def test_a_handshake_that_fails_is_425_and_shows_nothing(self):
        lister = self.lister()
        for junk in (b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"\x16\x03\x01\xff\xff" + bytes(100), b"USER alice\r\n"):
            for command_first in (False, True):
                with lister.connect(lister.passive()) as plain:
                    if command_first:
                        lister.control.send("NLST")
                    plain.sendall(junk)
                    if not command_first:
                        lister.control.send("NLST")
                    self.assertEqual(lister.last_reply().code, NO_CONNECTION)
                    received = read_what_comes(plain)
                    for name in NAMES:
                        self.assertNotIn(name.encode(), received)
        self.assert_lists(lister)

    def test_bytes_on_the_data_connection_of_a_listing_change_nothing(self):
        lister = self.lister()
        for size in (1, 100, 16384):
            with lister.connect(lister.passive()) as plain, lister.encrypt(plain) as data:
                data.sendall(b"x" * size)
                lister.control.send("NLST")
                data.sendall(b"\r\nQUIT\r\n")
                self.assertEqual(self.listed_over(lister, data), sorted(NAMES))
        self.assertEqual(lister.control.code("NOOP"), 200)

    def test_a_slow_client_that_sent_bytes_gets_its_whole_listing(self):
        names = LONG_NAMES[:50]  # more than such a client takes at once, and less than the server's buffers do
        for name in names:
            self.make(name)
        lister = self.lister()
        with lister.connect(lister.passive(), receive_buffer=4096) as plain, lister.encrypt(plain) as data:
            data.sendall(bytes(1000))
            self.assertEqual(lister.ask("NLST").code, COMPLETE)
            self.assertEqual([lister.control.code("NOOP") for _ in range(3)], [200] * 3)  # the server may have closed by now
            self.assertEqual(sorted(read_to_end(data).splitlines()), sorted([*NAMES, *names]))

    def test_a_flood_of_bytes_on_the_data_connection_disturbs_nobody(self):
        lister, other = self.lister(), self.lister()
        with lister.connect(lister.passive()) as plain, lister.encrypt(plain) as data:
            lister.control.send("NLST")
            with contextlib.suppress(OSError):
                for _ in range(200):
                    data.sendall(bytes(65536))
            self.assert_lists(other)
        self.assertIn(lister.last_reply().code, (COMPLETE, CUT))
        self.assert_lists(lister)


class Tickets(ListingAttackTest):
    """With `data-resumption = prefer`."""

    def refused_with(self, lister, session):
        """Whether a listing is refused with 522, and not a byte of it is shown, if the data connection offers this TLS session."""
        received = b""
        with lister.connect(lister.passive()) as plain:
            lister.control.send("NLST")
            with contextlib.suppress(OSError), lister.encrypt(plain, session) as data:
                received = read_what_comes(data)
        answer = lister.last_reply()
        self.assertEqual(received == b"", answer.code != COMPLETE, "a listing is whole or was refused")
        return answer.code == WITHOUT_RESUMPTION

    def test_a_ticket_is_good_for_the_data_connections_of_its_session_alone(self):
        context = trusting_context()
        first, second = self.lister(context=context), self.lister(context=context)
        for lister, session, resumed in ((first, first.tls_session, True), (first, second.tls_session, False), (first, None, False),
                                         (second, second.tls_session, True), (second, first.tls_session, False)):
            with lister.connect(lister.passive()) as plain, lister.encrypt(plain, session) as data:
                self.assertEqual(data.session_reused, resumed)
                lister.control.send("NLST")
                self.assertEqual(sorted(read_to_end(data).splitlines()), sorted(NAMES))
            self.assertEqual(lister.last_reply().code, COMPLETE)

    def test_a_session_of_site_auth_demands_its_own_ticket(self):
        context = trusting_context()
        lister, other = self.lister(site_auth=True, context=context), self.lister(site_auth=True, context=context)
        self.assertFalse(self.refused_with(lister, lister.tls_session))
        self.assertTrue(self.refused_with(lister, None))
        self.assertTrue(self.refused_with(lister, other.tls_session))
        self.assert_lists(lister)

    def test_a_ticket_of_a_session_that_has_ended_resumes_nothing(self):
        context = trusting_context()
        ended = Lister(self.server.port, context=context)
        session = ended.tls_session
        ended.close()
        lister = self.lister(context=context)
        with lister.connect(lister.passive()) as plain, lister.encrypt(plain, session) as data:
            self.assertFalse(data.session_reused)

    def test_no_ticket_resumes_a_control_connection(self):
        context = trusting_context()
        lister = self.lister(context=context)
        with lister.connect(lister.passive()) as plain:
            lister.control.send("NLST")
            with lister.encrypt(plain) as data:
                read_to_end(data)
                of_data = data.session
        for session in (lister.tls_session, of_data):
            with Control(self.server.port) as control:
                self.assertEqual(control.code("AUTH TLS"), 234)
                with context.wrap_socket(control.into_socket(), server_hostname="127.0.0.1", session=session) as inside:
                    self.assertFalse(inside.session_reused)

    def test_a_listing_works_over_tls_1_2(self):
        context = trusting_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assert_lists(self.lister(context=context), session=None)


class RequiredTickets(Tickets):
    settings = {**Tickets.settings, "data_resumption": "require"}

    def test_a_ticket_is_good_for_the_data_connections_of_its_session_alone(self):
        context = trusting_context()
        first, second = self.lister(context=context), self.lister(context=context)
        self.assertFalse(self.refused_with(first, first.tls_session))
        self.assertTrue(self.refused_with(first, second.tls_session))
        self.assertTrue(self.refused_with(first, None))
        self.assertTrue(self.refused_with(second, first.tls_session))
        self.assert_lists(second)

    def test_a_listing_works_over_tls_1_2(self):
        context = trusting_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assert_lists(self.lister(context=context))


class OnePort(ListingAttackTest):
    @classmethod
    def setUpClass(cls):
        cls.settings = {**ListingAttackTest.settings, "passive_ports": free_port()}
        super().setUpClass()

    def lists_its_own(self, lister, number):
        self.assertEqual(lister.listing(f"NLST its {number}"), [f"own {number}"])

    def test_fifty_addresses_list_at_once(self):
        for i in range(50):
            self.make(f"its {i}/own {i}")
        listers = [self.lister(source=f"127.0.0.{2 + i}") for i in range(50)]
        ports = [lister.passive() for lister in listers]
        self.assertEqual(len(set(ports)), 1)
        connections = [lister.connect(port) for lister, port in reversed(list(zip(listers, ports)))][::-1]
        for i, lister in enumerate(listers):
            lister.control.send(f"NLST its {i}")
        for i, (lister, plain) in enumerate(zip(listers, connections)):
            with plain, lister.encrypt(plain) as data:
                self.assertEqual(read_to_end(data), f"own {i}\r\n")
            self.assertEqual(lister.last_reply().code, COMPLETE)

    def test_eight_sessions_of_an_address_take_turns(self):
        for i in range(8):
            self.make(f"its {i}/own {i}")
        failures = collections.deque()

        def list_often(number):
            try:
                with Lister(self.server.port) as lister:
                    for _ in range(10):
                        self.lists_its_own(lister, number)
            except BaseException as failure:
                failures.append(failure)
        threads = [threading.Thread(target=list_often, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(scaled(60))
        self.assertEqual(list(failures), [])

    def test_an_address_that_keeps_the_port_to_itself_delays_only_itself(self):
        selfish, patient, other = self.lister(), self.lister(), self.lister(source="127.0.0.2")
        port = selfish.passive()
        patient.control.send("EPSV")
        self.assert_lists(other)
        self.assertEqual(patient.control.reply().code, NO_CONNECTION)
        with selfish.connect(port) as plain:
            patient.control.send("EPSV")
            self.assertEqual(patient.control.reply().code, 229, "the port is free as soon as its connection is there")
            selfish.control.send("NLST")
            with selfish.encrypt(plain) as data:
                self.assertEqual(sorted(read_to_end(data).splitlines()), sorted(NAMES))
        self.assertEqual(selfish.last_reply().code, COMPLETE)


class Trees(ListingAttackTest):
    def test_names_that_forge_lines_or_terminal_commands_are_left_out_and_counted(self):
        evil = [b"a\r\ntype=dir; forged", b"b\nc", b"\r", b"\x1b[31mred", b"\x7f", b"tab\t", b"\xc2\x9b31m", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf"]
        for name in evil:
            os.mkdir(os.path.join(os.fsencode(self.home), name))
        lister = self.lister()
        for command, name_of in (("NLST", str), ("MLSD", lambda line: line.split("; ", 1)[1]), ("LIST", lambda line: line.rpartition(" ")[2])):
            with lister.connect(lister.passive()) as plain:
                lister.control.send(command)
                with lister.encrypt(plain) as data:
                    text = read_to_end(data)
            answer = lister.last_reply()
            self.assertEqual(answer.code, COMPLETE)
            self.assertIn(f"{len(evil)} names", answer.text)
            self.assertEqual(sorted(name_of(line) for line in text.split("\r\n")[:-1]), sorted(NAMES), command)

    def test_names_that_come_and_go_hide_no_other(self):
        kept = [f"kept {i}" for i in range(500)]
        for name in kept:
            self.make(f"busy/{name}")
        stop = threading.Event()

        def come_and_go():
            while not stop.is_set():
                for i in range(50):
                    (self.home / f"busy/guest {i}").mkdir()
                for i in range(50):
                    (self.home / f"busy/guest {i}").rmdir()
        thread = threading.Thread(target=come_and_go)
        thread.start()
        try:
            lister = self.lister()
            for command in ("NLST busy", "MLSD busy", "LIST busy"):
                for _ in range(20):
                    lines = lister.listing(command)
                    shown = [line[line.index("kept"):] for line in lines if "kept" in line]
                    self.assertEqual(sorted(shown), sorted(kept))
        finally:
            stop.set()
            thread.join()

    def cut_short_by(self, change):
        """Changes a directory in the middle of its listing; the reply at the end, and the names that were shown."""
        directory = self.make("long")
        fill(directory)
        lister = self.lister()
        with lister.connect(lister.passive(), receive_buffer=4096) as plain:
            self.assertEqual(lister.control.ask("NLST long").code, OPENING)
            with lister.encrypt(plain) as data:
                received = data.recv(1000)
                change(directory)
                received += read_what_comes(data)
        answer = lister.last_reply()
        self.assertEqual(lister.control.code("CWD long"), 550)
        self.assert_lists(lister)
        return answer.code, received.decode().split("\r\n")[:-1]

    def test_a_directory_that_is_removed_while_it_is_listed_ends_the_listing(self):
        code, names = self.cut_short_by(shutil.rmtree)
        self.assertIn(code, (COMPLETE, CUT, 450, 451))
        self.assertLessEqual(set(names), set(LONG_NAMES))

    def test_a_directory_that_is_moved_out_while_it_is_listed_shows_nothing_else(self):
        outside = self.server.site.directory / "outside"
        outside.mkdir()
        self.addCleanup(shutil.rmtree, outside)
        code, names = self.cut_short_by(lambda directory: directory.rename(outside / "long"))
        self.assertIn(code, (COMPLETE, CUT, 450, 451))
        self.assertLessEqual(set(names), set(LONG_NAMES))

    def test_links_out_of_the_home_are_neither_shown_nor_followed(self):
        outside = self.server.site.directory / "outside"
        (outside / "secret").mkdir(parents=True)
        self.addCleanup(shutil.rmtree, outside)
        (self.server.site.root / "bob/private").mkdir(exist_ok=True)
        ways = {"absolute": outside, "root": "/", "above": "..", "bob": "../bob", "far": "../" * 40 + "etc", "self": "/proc/self/root",
                "nowhere": "missing", "circle": "circle"}
        for name, target in ways.items():
            (self.home / name).symlink_to(target)
        (self.home / "inside").symlink_to("one")
        self.make("one/below")
        lister = self.lister()
        self.assertEqual(sorted(lister.listing()), sorted([*NAMES, "inside"]))
        facts = dict(reversed(line.split(" ", 1)) for line in lister.listing("MLSD"))
        self.assertEqual(sorted(facts), sorted([*NAMES, "inside"]))
        self.assertIn("type=dir;", facts["inside"])
        self.assertEqual(lister.listing("NLST inside"), ["below"])
        for name in ways:
            for command in ("LIST", "NLST", "MLSD"):
                with lister.connect(lister.passive()):
                    self.assertEqual(lister.ask(f"{command} {name}").code, 550, name)
            self.assertEqual(lister.control.code(f"MLST {name}"), 550, name)

    def test_an_attacker_who_swaps_a_directory_for_a_link_out_loses_the_race(self):
        outside = self.server.site.directory / "outside"
        (outside / "secret").mkdir(parents=True)
        self.addCleanup(shutil.rmtree, outside)
        self.make("swapped/known")
        (self.home / "link").symlink_to(outside)
        lister = self.lister()
        shown = collections.Counter()
        with swapping(self.home / "swapped", self.home / "link"):
            for _ in range(100):
                with lister.connect(lister.passive()) as plain:
                    answer = lister.control.ask("NLST swapped")
                    if answer.code == OPENING:
                        with lister.encrypt(plain) as data:
                            shown[read_what_comes(data)] += 1
                        answer = lister.last_reply()
                self.assertIn(answer.code, (COMPLETE, 450, 451, 550))
        self.assertLessEqual(set(shown), {b"known\r\n", b""})
        self.assertGreater(shown[b"known\r\n"], 0, "the race was never run")


class Changes(EndToEndTest):
    """An administrator changes the certificate, or locks the user, while a session lists."""

    def setUp(self):
        self.server = self.serve(data_resumption="require")
        self.site = self.server.site
        self.home = self.site.root / "alice"
        (self.home / "here").mkdir()

    def test_a_new_certificate_leaves_open_sessions_their_tickets(self):
        with Lister(self.server.port) as lister:
            old = lister.control.certificate()
            port = lister.passive()
            for name in ("key.pem", "certificate.pem"):
                (self.site.data / "tls" / name).unlink()
            self.server.log.wait_for("event=reloaded", self.server.hang_up())

            def presents_another():
                with connect(self.server.port) as control:
                    return control.certificate() != old
            until(presents_another, "new connections see the new certificate")
            with lister.connect(port) as plain, lister.encrypt(plain) as data:
                self.assertTrue(data.session_reused)
                lister.control.send("NLST")
                self.assertEqual(read_to_end(data), "here\r\n")
            self.assertEqual(lister.last_reply().code, COMPLETE)
            for _ in range(3):
                self.assertEqual(lister.listing(), ["here"])
        with Lister(self.server.port) as lister:
            self.assertEqual(lister.listing(), ["here"])

    @timing
    def test_the_listing_of_a_user_who_is_locked_ends_within_a_second(self):
        fill(self.home)
        with Lister(self.server.port) as lister, Lister(self.server.port) as waiting:
            reserved = waiting.passive()
            with lister.connect(lister.passive(), receive_buffer=4096) as plain:
                self.assertEqual(lister.control.ask("LIST").code, OPENING)
                with lister.encrypt(plain) as data:
                    data.recv(1000)
                    self.assertEqual(self.site.ftpcd("user", "lock", "alice").returncode, 0)
                    locked = time.monotonic()
                    replies = [lister.control.reply()]
                    if replies[0].code == CUT:
                        replies.append(lister.control.reply())
                    self.assertEqual(replies[-1].code, 421)
                    with self.assertRaises(OSError, msg="a listing that was cut ends like a whole one"):
                        read_to_end(data)
                    self.assertLess(time.monotonic() - locked, scaled(1))
            self.assertTrue(is_refused(reserved))
            self.assertEqual(waiting.control.reply().code, 421)


if __name__ == "__main__":
    unittest.main()
