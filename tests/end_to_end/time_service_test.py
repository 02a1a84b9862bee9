"""The process `time` tells other machines the time: to NTP's clients, and as text in the format that a datagram asks for."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

from harness import HAS_IPV6, IS_ROOT, children_of, run, scaled, timing, until
from control_client import can_log_in, logged_in
from time_client import EVERY_CONVERSION, NTP_REQUEST, NtpAnswer, TimeTest, ask_ntp, is_synchronised

WITH_BOTH = {"listen-ntp": "127.0.0.1:0", "listen-time-text": "127.0.0.1:0"}


class Ntp(TimeTest):
    def test_the_standard_machine_of_a_room_is_right_by_itself(self):
        server = self.serve(**WITH_BOTH, time_source="local")
        before = time.time()
        answer = ask_ntp(self.client(self.ntp_port(server)))
        self.assertEqual((answer.leap, answer.version, answer.mode, answer.stratum), (0, 4, 4, 10))
        self.assertEqual((answer.reference_id, answer.root_delay, answer.root_dispersion), (b"LOCL", 0, 0))
        self.assertEqual(answer.origin, NTP_REQUEST[40:])
        self.assertLess(before - 1.1, answer.reference)
        self.assertLessEqual(answer.reference, answer.sent)
        for earlier, later in ((before, answer.received), (answer.received, answer.sent), (answer.sent, time.time())):
            self.assertLessEqual(earlier - 1e-6, later)

    def test_clients_are_told_whether_something_synchronises_the_kernel(self):
        server = self.serve(**WITH_BOTH, time_stratum=5)
        answer = ask_ntp(self.client(self.ntp_port(server)))
        if is_synchronised():
            self.assertEqual((answer.stratum, answer.reference_id), (5, b"KERN"))
            self.assertLess(answer.leap, 3)
        else:
            self.assertEqual((answer.leap, answer.stratum, answer.reference_id), (3, 0, bytes(4)))
            server.log.wait_for(r"^ftpcd\[time\]: .*event=clock-not-synchronised effect=")
        self.assertGreater(answer.root_dispersion, 0)

    def test_each_version_from_2_to_4_is_answered_in_its_own(self):
        server = self.serve(**WITH_BOTH, time_source="local")
        client = self.client(self.ntp_port(server))
        for version in (2, 3, 4):
            request = bytes([version << 3 | 3, 0, 10]) + bytes(45)  # as ntplib asks, in version 2
            answer = ask_ntp(client, request)
            self.assertEqual((answer.version, answer.mode, answer.poll, answer.origin), (version, 4, 10, bytes(8)))

    def test_a_reload_changes_the_source_and_says_which_settings_wait(self):
        server = self.serve(**WITH_BOTH, time_source="local")
        client = self.client(self.ntp_port(server))
        server.site.configure(time_source="kernel", time_user="nobody", **{"listen-ntp": None})
        before = server.hang_up()
        server.log.wait_for('event=setting-changes-at-restart settings="time-user, listen-ntp"', before)
        until(lambda: ask_ntp(client).reference_id != b"LOCL", "the other source is told")

    def test_an_answer_has_a_time_of_arrival_that_the_kernel_took(self):
        server = self.serve(**WITH_BOTH, time_source="local")
        client = self.client(self.ntp_port(server))
        os.kill(server.child("time"), signal.SIGSTOP)
        client.send(NTP_REQUEST)
        sent = time.time()
        until(lambda: time.time() > sent + 0.3, "the request has waited")
        os.kill(server.child("time"), signal.SIGCONT)
        answer = NtpAnswer(client.receive())
        self.assertLess(answer.received, sent + 0.2)
        self.assertGreater(answer.sent, sent + 0.3)


class Text(TimeTest):
    def test_a_client_of_a_lesson_gets_the_time_in_its_format(self):
        server = self.serve(**WITH_BOTH, time_zone="Asia/Shanghai")
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(asker.close)
        asker.settimeout(10)
        before = time.time()
        asker.sendto("%Y/%m/%d %H:%M:%S".encode(), ("127.0.0.1", self.text_port(server)))
        text = asker.recvfrom(1024)[0].decode()
        told = time.strptime(text + " +0800", "%Y/%m/%d %H:%M:%S %z")
        told = time.mktime(told[:8] + (0,)) - time.timezone - 8 * 3600  # of a zone without any summer time
        self.assertLessEqual(int(before), told)
        self.assertLessEqual(told, time.time())

    def test_every_conversion_means_what_it_means_to_strftime(self):
        server = self.serve(**WITH_BOTH, time_zone="Europe/Berlin")
        port = self.text_port(server)
        environment = {"PATH": os.environ["PATH"], "TZ": "Europe/Berlin", "LC_ALL": "C"}
        for conversion in EVERY_CONVERSION:
            text, seconds = self.asked_at_one_second(self.client(port), conversion)
            expected = run("date", f"--date=@{seconds}", f"+%{conversion}", env=environment).stdout.rstrip("\n")
            self.assertEqual(text, expected, conversion)

    def asked_at_one_second(self, client, conversion):
        """The answer, with the seconds since 1970 that were the same before and after it."""
        while True:
            before, text, after = (client.ask_text(wanted) for wanted in ("%s", f"%{conversion}", "%s"))
            if before == after:
                return text, before

    def test_text_of_any_script_stays_and_one_line_end_is_left_out(self):
        server = self.serve(**WITH_BOTH, time_zone="UTC")
        client = self.client(self.text_port(server))
        self.assertRegex(client.ask_text("%Y年%m月%d日"), r"^\d{4}年\d\d月\d\d日$")
        self.assertRegex(client.ask_text("%H:%M\n"), r"^\d\d:\d\d$")
        self.assertRegex(client.ask_text("%H:%M\r\n"), r"^\d\d:\d\d$")

    def test_the_zone_is_that_of_the_machine_unless_one_is_set(self):
        server = self.serve(**WITH_BOTH)
        client = self.client(self.text_port(server))
        self.assertEqual(client.ask_text("%z"), run("date", "+%z", env={"PATH": os.environ["PATH"]}).stdout.strip())

    def test_a_zone_that_does_not_exist_is_refused_at_the_start(self):
        done = self.make_site(users=(), time_zone="Mars/Olympus", **WITH_BOTH).ftpcd("serve")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no zone 'Mars/Olympus'", done.stderr)


class Addresses(TimeTest):
    def test_an_answer_comes_from_the_address_that_was_asked(self):
        server = self.serve(time_source="local", **{"listen-ntp": "0.0.0.0:0", "listen-time-text": "0.0.0.0:0"})
        for host in ("127.0.0.1", "127.0.0.2", "127.9.8.7"):
            ask_ntp(self.client(self.ntp_port(server), host))  # TimeClient compares the addresses
            self.assertEqual(len(self.client(self.text_port(server), host).ask_text("%H")), 2)

    @unittest.skipUnless(HAS_IPV6, "needs IPv6")
    def test_one_socket_answers_both_families_from_the_address_that_was_asked(self):
        server = self.serve(time_source="local", **{"listen-ntp": "[::]:0", "listen-time-text": "*:0"})
        for host in ("::1", "127.0.0.1", "127.9.8.7"):
            ask_ntp(self.client(self.ntp_port(server), host))
            self.assertEqual(len(self.client(self.text_port(server), host).ask_text("%H")), 2)

    @unittest.skipUnless(HAS_IPV6, "needs IPv6")
    def test_a_socket_of_ipv6_alone_answers(self):
        server = self.serve(time_source="local", **{"listen-ntp": "[::1]:0"})
        ask_ntp(self.client(self.ntp_port(server), "::1"))

    def test_a_request_to_all_machines_gets_no_answer(self):
        server = self.serve(time_source="local", **{"listen-ntp": "0.0.0.0:0"})
        port = self.ntp_port(server)
        client = self.client(port)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.socket.sendto(NTP_REQUEST, ("127.255.255.255", port))
        self.assertEqual(client.answers_before(NTP_REQUEST[:40] + b"to one!!", []), [])

    def test_several_addresses_are_served_and_a_port_is_free_after_the_end(self):
        site = self.make_site(time_source="local")
        flags = [word for host in ("127.0.0.1", "127.0.0.2") for word in ("--listen-ntp", f"{host}:0")]
        server = self.start(site, *flags)
        ports = re.findall(r"127\.0\.0\.[12]:(\d+)", server.log.wait_for(r"NTP on (.*) \(UDP\)")[1])
        self.assertEqual(len(ports), 2)
        for host, port in zip(("127.0.0.1", "127.0.0.2"), map(int, ports)):
            ask_ntp(self.client(port, host))
        self.assertEqual(server.stop(), 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", int(ports[0])))

    def test_a_port_that_another_program_has_is_refused_and_named(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            # Even one that would share it.
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
            site = self.make_site(**{"listen-ntp": f"127.0.0.1:{port}"})
            done = site.ftpcd("serve")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"cannot listen on 127.0.0.1:{port}: Address already in use; see which program has it with: "
                          f"ss -lunp 'sport = :{port}'", done.stderr)


class Process(TimeTest):
    def test_it_is_there_only_if_a_setting_wants_it(self):
        server = self.serve()
        self.assertEqual(set(children_of(server.pid)), {"ftpcd: auth", "ftpcd: net"})
        self.assertNotIn("UDP", server.log.text)
        for setting in WITH_BOTH:
            server = self.serve(**{setting: "127.0.0.1:0"})
            self.assertEqual(set(children_of(server.pid)), {"ftpcd: auth", "ftpcd: net", "ftpcd: time"})

    def test_an_empty_address_in_the_file_or_a_flag_is_none(self):
        site = self.make_site(**WITH_BOTH)
        server = self.start(site, "--listen-ntp", "", "--listen-time-text", "")
        self.assertEqual(set(children_of(server.pid)), {"ftpcd: auth", "ftpcd: net"})

    @timing
    def test_killed_it_is_back_within_a_second_and_logins_go_on_meanwhile(self):
        server = self.serve(**WITH_BOTH, time_source="local")
        ntp, text = self.client(self.ntp_port(server)), self.client(self.text_port(server))
        for _ in range(3):
            victim = server.child("time")
            before = server.log_size()
            os.kill(victim, signal.SIGKILL)
            began = time.monotonic()
            until(lambda: server.child("time") not in (None, victim), "time is started again")
            # Requests that came meanwhile wait in the socket.
            ask_ntp(ntp)
            self.assertEqual(len(text.ask_text("%S")), 2)
            self.assertLess(time.monotonic() - began, 1)
            server.log.wait_for("event=child-restarted process=time", before)
            self.assertTrue(can_log_in(server.port))
        self.assertNotIn("channel-replaced", server.log.text)
        self.assertNotIn("event=child-ended process=net", server.log.text)

    def test_sessions_of_users_do_not_notice_its_end(self):
        server = self.serve(**WITH_BOTH)
        with logged_in(server.port) as control:
            os.kill(server.child("time"), signal.SIGKILL)
            server.log.wait_for("event=child-restarted process=time")
            until(lambda: server.child("time"), "time is back")
            self.assertEqual(control.code("MKD after"), 257)

    def test_it_goes_on_after_it_was_stopped_and_ends_with_the_supervisor(self):
        server = self.serve(**WITH_BOTH)
        child = server.child("time")
        client = self.client(self.text_port(server))
        os.kill(child, signal.SIGSTOP)
        client.send(b"%H")
        os.kill(child, signal.SIGCONT)
        self.assertEqual(len(client.receive()), 2)
        os.kill(child, signal.SIGSTOP)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(10)
        until(lambda: not pathlib.Path(f"/proc/{child}/exe").exists(), "it has ended")

    @unittest.skipUnless(IS_ROOT, "SKIPPED: only root has servers with several users")
    def test_its_user_is_needed_only_if_it_is_wanted(self):
        site = self.make_site(time_user="ftpcd-no-such-user")
        self.start(site).stop()
        site.configure(**WITH_BOTH)
        done = site.ftpcd("serve")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no system user 'ftpcd-no-such-user'; make it with: useradd ", done.stderr)
        site.configure(time_user="ftpcd-auth")
        self.assertIn("time-user must be another user than net-user and auth-user", site.ftpcd("serve").stderr)

    @unittest.skipUnless(IS_ROOT, "SKIPPED: needs root for a port below 1024")
    def test_a_port_below_1024_is_opened_by_the_supervisor(self):
        site = self.make_site(time_source="local")
        self.need_port_of_ntp("127.77.0.1")
        self.start(site, "--listen-ntp", "127.77.0.1")  # the port is that of NTP
        ask_ntp(self.client(123, "127.77.0.1"))


class LessonClient(TimeTest):
    """udp_time.py is the simplest of clients: it sends a format once a second, and shows the answer."""

    turns = int(os.environ.get("FTPC_SOAK_SECONDS", "3"))

    def test_it_shows_the_time_in_each_format_once_a_second(self):
        port = self.text_port(self.serve(**WITH_BOTH, time_source="local", time_zone="UTC"))
        forms = {None: r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "%s": r"\d{10}", "%A, %F %T %Z": r"\w+day, [\d-]{10} [\d:]{8} UTC"}
        clients = {wanted: self.begin(port, wanted) for wanted in forms}
        for wanted, form in forms.items():
            lines = clients[wanted].communicate(timeout=scaled(self.turns + 30))[0].splitlines()
            self.assertEqual(len(lines), self.turns, lines)
            for line in lines:
                self.assertRegex(line, rf"\A{form}\Z")
            self.assertEqual(len(set(lines)), self.turns, "each second has another time")

    def begin(self, port, wanted):
        words = [sys.executable, str(pathlib.Path(__file__).with_name("udp_time.py")), "127.0.0.1", str(port), str(self.turns)]
        process = subprocess.Popen(words + ([wanted] if wanted else []), stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process


class Check(TimeTest):
    """`ftpcd check` says why nobody gets the time."""

    def assert_said(self, site, *parts, status=1):
        done = site.ftpcd("check")
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr if status else done.stdout)

    def test_a_sound_server_has_no_problem_and_its_addresses_are_named(self):
        server = self.serve(**WITH_BOTH, time_source="local")
        ntp, text = self.ntp_port(server), self.text_port(server)
        server.site.configure(**{"listen-ntp": f"127.0.0.1:{ntp}", "listen-time-text": f"127.0.0.1:{text}"})
        self.assert_said(server.site, f", NTP on 127.0.0.1:{ntp}, time as text on 127.0.0.1:{text}, key ",
                         f", time {server.child('time')}\n",
                         "NTP: this machine's clock is the standard (time-source = local)", status=0)

    @unittest.skipIf(is_synchronised(), "this machine's clock is synchronised")
    def test_a_clock_that_nothing_synchronises(self):
        self.assert_said(self.make_site(**WITH_BOTH),
                         "ftpcd: time-source: the kernel says that nothing synchronises this machine's clock")

    def test_a_port_that_another_program_has(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
            site = self.make_site(time_source="local", **{"listen-time-text": f"127.0.0.1:{port}"})
            self.assert_said(site, f"ftpcd: listen-time-text: cannot listen on 127.0.0.1:{port}: ")

    def test_one_port_for_both_services(self):
        for ntp, text in (("*", "*"), ("*", "127.0.0.1"), ("127.0.0.1", "[::]")):
            site = self.make_site(time_source="local", **{"listen-ntp": f"{ntp}:2123", "listen-time-text": f"{text}:2123"})
            self.assert_said(site, "ftpcd: listen-time-text: cannot listen on ", "2123: listen-ntp has ", "so give one another port")

    def test_a_running_server_that_was_started_without(self):
        server = self.serve()
        server.site.configure(time_source="local", **WITH_BOTH)
        it = f"the running server (process {server.pid}) does not answer"
        self.assert_said(server.site, f"ftpcd: listen-ntp: {it} NTP; restart it",
                         f"ftpcd: listen-time-text: {it} formats with the time; restart it")

    def test_an_address_that_asks_too_often(self):
        server = self.serve(**WITH_BOTH, time_source="local")
        client = self.client(self.text_port(server))
        for _ in range(200):
            client.send(b"%s")
        hit = server.log.wait_for(r"event=limit-hit limit=time-rate peer=(\S+) requests=(\d+)")
        self.assertEqual(hit[1], client.address[0])
        server.site.configure(**{"listen-ntp": f"127.0.0.1:{self.ntp_port(server)}",
                                 "listen-time-text": f"127.0.0.1:{self.text_port(server)}"})
        until(lambda: "rate limited" in server.site.ftpcd("check").stdout, "the supervisor knows")
        # Anybody can cause this, so it is no problem.
        self.assert_said(server.site, f"ftpcd: time: the running server (process {server.pid}) left ",
                         f"16 times a second; the last came from {client.address[0]} at ", status=0)

    @unittest.skipUnless(IS_ROOT, "SKIPPED: only root has servers with several users")
    def test_a_user_that_is_missing(self):
        self.assert_said(self.make_site(time_source="local", time_user="ftpcd-no-such-user", **WITH_BOTH),
                         "ftpcd: time-user: there is no system user 'ftpcd-no-such-user'; make it with: useradd ")


if __name__ == "__main__":
    unittest.main()
