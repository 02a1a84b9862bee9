"""Commands speak of the running server: a change that has no effect there is reported, and is no success."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import unittest

from harness import RUNTIME, FTPCD, IS_ROOT, PASSWORD, EndToEndTest, Log, run, scaled, until
from control_client import can_log_in, logged_in


def socket_of(server):
    """The path of the server's socket."""
    found = list(RUNTIME.glob(f"{server.pid}-*.sock"))
    return found[0] if len(found) == 1 else None


def restore(directory):
    """The directory is moved away, and a copy gets its name, as if from a backup."""
    old = directory.with_name(directory.name + ".old")
    directory.rename(old)
    subprocess.run(["cp", "-a", old, directory], check=True)
    return old


class RunningServerTest(EndToEndTest):
    def assert_differs(self, server, where, *command, **options):
        """The command fails and names the directory and the server's process."""
        done = server.site.ftpcd(*command, **options)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(f"ftpcd: {where}: the running server (process {server.pid}) has ", done.stderr)
        self.assertIn("restart", done.stderr)
        return done

    def assert_agrees(self, site, *command, **options):
        done = site.ftpcd(*command, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def assert_restart_helps(self, server):
        self.assertEqual(server.stop(), 0)
        server = self.start(server.site)
        self.assert_agrees(server.site, "check")
        return server

    def assert_reload_says_restart(self, server, setting, then):
        before = server.hang_up()
        server.log.wait_for(f"event=restart-needed setting={setting} path=", before)
        server.log.wait_for(f"event={then}", before)


class DataReplaced(RunningServerTest):
    def setUp(self):
        self.server = self.serve(users=("alice", "bob"))
        self.site = self.server.site

    def assert_all_commands_say_so(self):
        where = self.site.data
        for command in (("user", "lock", "alice"), ("user", "unlock", "alice"), ("user", "quota", "alice", "5"), ("user", "list"),
                        ("user", "show", "alice"), ("user", "del", "bob"), ("why", "alice"), ("check",)):
            self.assert_differs(self.server, where, *command)
        for command in (("add", "carol"), ("passwd", "alice")):
            self.assert_differs(self.server, where, "user", *command, "--password-stdin", input="another\n")

    def test_a_restored_data_directory(self):
        restore(self.site.data)
        self.assert_all_commands_say_so()
        self.assertTrue(can_log_in(self.server.port), "the server goes on with what it has")
        self.assert_reload_says_restart(self.server, "data", "reload-refused")
        self.assertNotIn("event=reloaded", self.server.log.text)
        server = self.assert_restart_helps(self.server)
        self.assertFalse(can_log_in(server.port), "the password was changed")

    def test_a_data_directory_that_was_moved_is_still_that_of_the_server(self):
        old = restore(self.site.data)
        done = run(FTPCD, "user", "lock", "alice", "--data", str(old), "--root", str(old / "root"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        until(lambda: not can_log_in(self.server.port), "the lock is in force")

    def test_a_data_directory_that_is_gone(self):
        old = self.site.data.with_name("away")
        self.site.data.rename(old)
        self.assert_differs(self.server, self.site.data, "check")
        self.assert_reload_says_restart(self.server, "data", "reload-refused")
        self.assertFalse(self.site.data.exists(), "no reload makes a certificate beside it")
        old.rename(self.site.data)
        self.server.log.wait_for("event=reloaded", self.server.hang_up())
        self.assert_agrees(self.site, "check")

    def test_a_server_that_does_not_answer_may_have_another_one_open(self):
        restore(self.server.site.data)
        os.kill(self.server.pid, signal.SIGSTOP)
        try:
            done = self.server.site.ftpcd("user", "lock", "alice")
        finally:
            os.kill(self.server.pid, signal.SIGCONT)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"the running server (process {self.server.pid}) does not say", done.stderr)

    def test_a_server_that_does_not_answer_and_has_this_one_open_does_not_matter(self):
        os.kill(self.server.pid, signal.SIGSTOP)
        try:
            self.assert_agrees(self.server.site, "user", "lock", "alice")
        finally:
            os.kill(self.server.pid, signal.SIGCONT)

    def test_a_link_that_is_switched(self):
        self.assertEqual(self.server.stop(), 0)
        link = self.site.directory / "current"
        link.symlink_to("data")
        self.site.configure(data=link)
        self.server = self.start(self.site)
        self.assert_agrees(self.site, "check")
        subprocess.run(["cp", "-a", self.site.directory / "data", self.site.directory / "data2"], check=True)
        link.unlink()
        link.symlink_to("data2")
        self.assert_all_commands_say_so()
        self.assert_reload_says_restart(self.server, "data", "reload-refused")
        self.assert_restart_helps(self.server)

    def test_the_target_of_a_link_is_replaced(self):
        data = self.site.data
        self.assertEqual(self.server.stop(), 0)
        link = self.site.directory / "current"
        link.symlink_to("data")
        self.site.configure(data=link)
        self.server = self.start(self.site)
        restore(data)
        done = run(FTPCD, "user", "lock", "alice", "--data", str(data))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"process {self.server.pid}", done.stderr)

    @unittest.skipUnless(IS_ROOT, "mounting needs root")
    def test_a_file_system_that_is_mounted_over_it(self):
        copy = self.site.directory / "copy"
        subprocess.run(["cp", "-a", self.site.data, copy], check=True)
        subprocess.run(["mount", "--bind", copy, self.site.data], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.site.data], capture_output=True)
        self.assert_all_commands_say_so()
        self.assert_reload_says_restart(self.server, "data", "reload-refused")
        subprocess.run(["umount", "--lazy", self.site.data], check=True)
        self.assert_agrees(self.site, "check")
        self.server.log.wait_for("event=reloaded", self.server.hang_up())

    def test_another_data_directory_in_the_settings_file(self):
        other = self.site.directory / "other"
        subprocess.run(["cp", "-a", self.site.data, other], check=True)
        self.site.configure(data=other)
        self.assert_all_commands_say_so()
        before = self.server.hang_up()
        self.server.log.wait_for('event=setting-changes-at-restart settings="?data', before)
        self.assert_restart_helps(self.server)

    def test_another_certificate_than_the_running_server_shows(self):
        shown = self.site.fingerprint()
        self.assert_agrees(self.site, "fingerprint")
        restore(self.site.data)
        self.assert_agrees(self.site, "fingerprint")  # the same key
        for name in ("key.pem", "certificate.pem"):
            (self.site.data / "tls" / name).unlink()
        donor = self.serve(users=())
        for name in ("key.pem", "certificate.pem"):
            shutil.copy2(donor.site.data / "tls" / name, self.site.data / "tls" / name)
        done = self.site.ftpcd("fingerprint")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, f"the running server (process {self.server.pid}) shows another key, {shown}")


class TreeReplaced(RunningServerTest):
    def setUp(self):
        self.site = self.make_site(users=())
        self.site.configure(root=self.site.directory / "tree")
        self.site.add_user("alice")
        self.server = self.start(self.site)

    def test_a_restored_tree(self):
        restore(self.site.root)
        for command in (("check",), ("why", "alice"), ("user", "show", "alice")):
            self.assert_differs(self.server, self.site.root, *command)
        self.assert_differs(self.server, self.site.root, "user", "add", "bob", "--password-stdin", input="x\n")
        self.assert_agrees(self.site, "user", "list")
        self.assert_reload_says_restart(self.server, "root", "reloaded")
        server = self.assert_restart_helps(self.server)
        with logged_in(server.port) as control:
            self.assertEqual(control.code("MKD made"), 257)
        self.assertTrue((self.site.root / "alice/made").is_dir())

    @unittest.skipUnless(IS_ROOT, "mounting needs root")
    def test_a_disk_that_is_mounted_after_the_start(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.site.root], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.site.root], check=True)
        self.assert_differs(self.server, self.site.root, "check")
        self.assert_differs(self.server, self.site.root, "user", "add", "bob", "--password-stdin", input="x\n")
        self.assert_reload_says_restart(self.server, "root", "reloaded")

    def test_another_tree_in_the_settings_file(self):
        old = self.site.root
        new = self.site.directory / "tree2"
        subprocess.run(["cp", "-a", old, new], check=True)
        self.site.configure(root=new)
        self.assert_differs(self.server, new, "check")
        self.assert_agrees(self.site, "user", "lock", "alice")
        until(lambda: not can_log_in(self.server.port), "the lock has nothing to do with the tree")

    def test_a_tree_beneath_a_link_that_is_switched(self):
        self.assertEqual(self.server.stop(), 0)
        link = self.site.directory / "current"
        link.symlink_to("tree")
        self.site.configure(root=link)
        self.server = self.start(self.site)
        subprocess.run(["cp", "-a", self.site.directory / "tree", self.site.directory / "tree2"], check=True)
        link.unlink()
        link.symlink_to("tree2")
        self.assert_differs(self.server, link, "check")
        self.assert_reload_says_restart(self.server, "root", "reloaded")


class SecondServer(RunningServerTest):
    def assert_second_refused(self, server, *words):
        done = server.site.ftpcd("serve")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, f"{server.site.data} is being served already by process {server.pid}", *words)

    def test_it_is_refused_when_the_data_directory_was_replaced(self):
        server = self.serve()
        restore(server.site.data)
        self.assert_second_refused(server, f"kill {server.pid}")
        self.assertTrue(can_log_in(server.port))
        self.assertEqual(server.stop(), 0)
        self.start(server.site)

    def test_it_is_refused_when_the_lock_was_removed(self):
        server = self.serve()
        (server.site.data / "serve.lock").unlink()
        self.assert_second_refused(server)

    def test_a_killed_one_is_no_obstacle_and_its_socket_goes(self):
        server = self.serve()
        left = until(lambda: socket_of(server), "the server has a socket")
        server.kill_everything()
        self.assertTrue(left.exists())
        restore(server.site.data)
        second = self.start(server.site)
        self.assertFalse(left.exists())
        self.assert_agrees(second.site, "check")

    def test_servers_of_other_data_directories_have_nothing_to_do_with_it(self):
        first, second = self.serve(), self.serve()
        restore(first.site.data)
        self.assert_differs(first, first.site.data, "check")
        self.assert_agrees(second.site, "check")
        self.assert_agrees(second.site, "user", "lock", "alice")


class Socket(RunningServerTest):
    def setUp(self):
        self.server = self.serve()
        self.path = until(lambda: socket_of(self.server), "the server has a socket")

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(client.close)
        client.connect(str(self.path))  # waits while the queue is full
        client.settimeout(scaled(10))
        return client

    def assert_served(self):
        self.assert_agrees(self.server.site, "check")
        with logged_in(self.server.port) as control:
            self.assertEqual(control.code("NOOP"), 200)

    def test_it_is_for_this_user_alone_and_goes_with_the_server(self):
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(RUNTIME.stat().st_uid, os.geteuid())
        self.assertEqual(RUNTIME.stat().st_mode & 0o022, 0)
        self.assertEqual(self.server.stop(), 0)
        self.assertFalse(self.path.exists())

    def test_silent_clients_and_those_that_read_nothing_hold_nobody_up(self):
        clients = [self.connect() for _ in range(300)]
        self.assert_served()
        self.server.log.wait_for("event=reloaded", self.server.hang_up())
        self.assertEqual(len(clients), 300)

    def test_check_describes_the_running_server(self):
        done = self.server.site.ftpcd("check")
        start = f"ftpcd: running server: process {self.server.pid}, version "
        end = (f"Z, on {self.server.address}, key {self.server.site.fingerprint()}, "
               f"auth {self.server.child('auth')}, net {self.server.child('net')}\n")
        self.assertRegex(done.stdout, f"(?m)^{re.escape(start)}.*{re.escape(end)}")
        self.assertEqual(self.server.stop(), 0)
        self.assertNotIn("running server", self.server.site.ftpcd("check").stdout)

    def test_garbage_is_not_read(self):
        for size in (1, 100, 100000):
            client = self.connect()
            try:
                client.send(os.urandom(size))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it was answered first
        self.assert_served()

    def test_a_flood_keeps_no_child_from_being_replaced(self):
        flood = subprocess.Popen(["python3", "-c", f"""
import socket
while True:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect({str(self.path)!r})
    client.close()
"""])
        self.addCleanup(flood.wait)
        self.addCleanup(flood.kill)
        net = self.server.child("net")
        os.kill(net, signal.SIGKILL)
        until(lambda: self.server.child("net") not in (None, net), "net is started again")
        until(lambda: can_log_in(self.server.port), "logins work")
        self.assert_agrees(self.server.site, "check")
        self.assertIsNone(flood.poll())

    @unittest.skipUnless(IS_ROOT, "only root can become another user")
    def test_another_user_does_not_get_there(self):
        ask = f"import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect({str(self.path)!r})"
        done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", ask)
        self.assertIn("PermissionError", done.stderr)

    def test_a_socket_that_was_removed_comes_back_with_a_reload(self):
        self.path.unlink()
        self.server.log.wait_for("event=reloaded", self.server.hang_up())
        self.path = until(lambda: socket_of(self.server), "the socket is there again")
        self.connect()

    def test_a_socket_that_was_removed_comes_back_by_itself(self):
        for _ in range(2):  # the first look comes right after the start
            self.path.unlink()
            self.path = until(lambda: socket_of(self.server), "the socket is there again", 15)  # it is looked at every 10 s
        self.assert_agrees(self.server.site, "check")


@unittest.skipUnless(IS_ROOT, "mounts, and becomes other users")
class WithoutRuntimeDirectory(EndToEndTest):
    def test_a_read_only_run_stops_nobody(self):
        site = self.make_site()
        words = "mount -t tmpfs -o ro tmpfs /run && exec \"$@\""
        server = self.start(site, wrapper=("unshare", "--mount", "sh", "-c", words, "-"))
        self.assertEqual(server.log.text.count("event=administrator-socket-missing"), 1)
        self.assertIn("/run/ftpcd: Read-only file system", server.log.text)
        self.assertEqual(site.ftpcd("user", "lock", "alice").returncode, 0)
        until(lambda: not can_log_in(server.port), "the lock is in force")

    def test_an_ordinary_user_has_a_runtime_directory_of_its_own(self):
        self.check_ordinary_user(61000 + os.getpid() % 4000, squatted=False)

    def test_an_ordinary_user_with_a_session_has_it_there(self):
        user = 41000 + os.getpid() % 4000
        session = pathlib.Path(f"/run/user/{user}")
        session.mkdir(parents=True, mode=0o700)
        self.addCleanup(shutil.rmtree, session)
        os.chown(session, user, user)
        self.check_ordinary_user(user, squatted=False, runtime=session / "ftpcd")
        self.assertFalse(pathlib.Path(f"/tmp/ftpcd-{user}").exists())

    def test_one_that_another_user_made_is_not_used(self):
        self.check_ordinary_user(65000 + os.getpid() % 400, squatted=True)

    def check_ordinary_user(self, user, squatted, runtime=None):
        top = self.make_directory()
        os.chown(top, user, user)
        data = top / "data"
        runtime = runtime or pathlib.Path(f"/tmp/ftpcd-{user}")
        self.addCleanup(shutil.rmtree, runtime, ignore_errors=True)
        if squatted:
            runtime.mkdir(mode=0o777)
        identity = {"user": user, "group": user, "extra_groups": []}
        flags = ("--data", str(data), "--scrypt", "ln=10,r=8,p=1")
        added = run(FTPCD, "user", "add", "alice", *flags, "--password-stdin", input=PASSWORD, **identity)
        self.assertEqual(added.returncode, 1 if squatted else 0, added.stderr)
        self.assertIn("added alice", added.stdout)
        server = subprocess.Popen([FTPCD, "serve", *flags, "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, **identity)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        log = Log(server.stderr)
        log.wait_for("listening on ")
        restore(data)
        done = run(FTPCD, "user", "lock", "alice", *flags, **identity)
        if squatted:
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{runtime}: running servers cannot be asked", done.stderr)
            self.assertIn("event=administrator-socket-missing", log.text)
            self.assertEqual(list(runtime.iterdir()), [])
        else:
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"process {server.pid}", done.stderr)
            self.assertEqual(runtime.stat().st_mode & 0o777, 0o700)


if __name__ == "__main__":
    unittest.main()
