"""A socket that net or time has spoiled is opened anew: a taken-over process's changes to it end with that process."""
import contextlib
import ctypes
import socket
import struct
import time
import unittest

from harness import IS_ROOT, EndToEndTest, timing, until
from control_client import can_log_in
from taken_descriptors import take_listening_socket, take_udp_socket
from time_client import TimeTest, ask_ntp

SO_ATTACH_FILTER, SO_LOCK_FILTER = 26, 44
LONG_LIFE = 10  # seconds; a child that lived so long is started again at once


def shut_down(listening):
    listening.shutdown(socket.SHUT_RDWR)


def filter_for_good(listening):
    refuse_all = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # BPF_RET | BPF_K
    listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, ctypes.addressof(refuse_all)))
    listening.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)


def make_it_wait(listening):
    listening.setblocking(True)


@timing
@unittest.skipUnless(IS_ROOT, "SKIPPED: taking a descriptor of another process needs root")
class SpoiledListeningSocket(EndToEndTest):
    def check(self, spoil):
        server = self.serve()
        net = server.child("net")
        with socket.socket(fileno=take_listening_socket(net, server.port)) as listening:
            before = server.log_size()
            spoil(listening)
            server.log.wait_for(f"event=listening-socket-changed address=127.0.0.1:{server.port} ", before)
            until(lambda: server.child("net") not in (None, net), "another net is started")
            until(lambda: can_log_in(server.port), "logins work again at the same port", 3)
        self.assertEqual(server.log.text.count("listening-socket-changed"), 1)

    def test_one_that_was_shut_down(self):
        self.check(shut_down)

    def test_one_with_a_filter_that_cannot_be_taken_off(self):
        self.check(filter_for_good)

    def test_one_on_which_accepting_would_wait(self):
        self.check(make_it_wait)

    def test_one_whose_address_is_taken_meanwhile_is_tried_with_growing_pauses(self):
        server = self.serve()
        started = time.monotonic()
        net = server.child("net")
        until(lambda: time.monotonic() - started > LONG_LIFE, "net has lived long", LONG_LIFE + 1)
        with socket.socket() as other, socket.socket(fileno=take_listening_socket(net, server.port)) as listening:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            shut_down(listening)
            other.bind(("127.0.0.1", server.port))
            other.listen()
            failed = 'event=child-not-restarted process=net reason="cannot listen on '
            server.log.wait_for(failed)
            first = time.monotonic()
            until(lambda: server.log.text.count(failed) >= 6, "the address is tried again")
            self.assertGreater(time.monotonic() - first, 1.0)  # 50 ms, doubled for each: 1.55 s
        until(lambda: can_log_in(server.port), "logins work again when the address is free")


def tie_to_a_peer(datagrams):
    datagrams.connect(("127.0.0.1", 9))


@timing
@unittest.skipUnless(IS_ROOT, "SKIPPED: taking a descriptor of another process needs root")
class SpoiledSocketOfTime(TimeTest):
    def check(self, spoil):
        server = self.serve(**{"listen-ntp": "127.0.0.1:0"})
        port, process = self.ntp_port(server), server.child("time")
        before = server.log_size()
        # Nobody else may have it afterwards: an address of UDP is free once each copy is closed.
        with socket.socket(fileno=take_udp_socket(process, port)) as datagrams, contextlib.suppress(OSError):
            spoil(datagrams)  # the kernel shuts it down and says that it is not connected
        server.log.wait_for(f"event=listening-socket-changed address=127.0.0.1:{port} ", before)
        until(lambda: server.child("time") not in (None, process), "another time is started")
        ask_ntp(self.client(port))
        self.assertEqual(server.log.text.count("listening-socket-changed"), 1)
        self.assertTrue(can_log_in(server.port))

    def test_one_that_was_shut_down(self):
        self.check(shut_down)

    def test_one_with_a_filter_that_cannot_be_taken_off(self):
        self.check(filter_for_good)

    def test_one_that_takes_datagrams_of_one_peer_alone(self):
        self.check(tie_to_a_peer)


if __name__ == "__main__":
    unittest.main()
