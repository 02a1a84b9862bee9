"""Many administrators at once, and the server itself renewing hashes: no change of users.db is lost."""
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

from harness import FTPCD, PASSWORD, EndToEndTest, directories_in, scaled, until
from control_client import can_log_in

OTHER_PASSWORD = "something else entirely"


class ConcurrentAdministrators(EndToEndTest):
    def start_command(self, site, *words, password=None):
        process = subprocess.Popen([FTPCD, "user", *words, "--config", str(site.config)], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if password:
            process.stdin.write(password.encode() + b"\n")
        process.stdin.close()
        return process

    def finish(self, processes):
        for process in processes:
            process.wait(scaled(60))
            said = process.stderr.read().decode()
            process.stderr.close()
            self.assertEqual(process.returncode, 0, f"{process.args}: {said}")

    def users(self, site):
        listed = site.ftpcd("user", "list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        return {line.split()[0] for line in listed.stdout.splitlines()}

    def assert_sound(self, site):
        checked = site.ftpcd("check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual([entry.name for entry in site.data.iterdir() if entry.name.startswith(".")], [])

    def test_a_hundred_users_added_at_once_are_all_there_even_on_first_use(self):
        site = self.make_site(users=())
        names = {f"user{number}" for number in range(100)}
        self.finish([self.start_command(site, "add", name, "--password-stdin", password=PASSWORD) for name in names])
        self.assertEqual(self.users(site), names)
        self.assertEqual(directories_in(site.root), names)
        self.assert_sound(site)

    def test_one_of_several_additions_of_a_user_wins_and_the_home_stays(self):
        site = self.make_site()
        processes = [self.start_command(site, "add", "bob", "--password-stdin", password=PASSWORD) for _ in range(8)]
        said = []
        for process in processes:
            process.wait(scaled(60))
            said.append(process.stderr.read().decode())
            process.stderr.close()
        self.assertEqual(sorted(process.returncode for process in processes), [0] + [1] * 7)
        self.assertEqual(sum("there is a user bob already" in text for text in said), 7)
        self.assertTrue((site.root / "bob").is_dir())
        self.assert_sound(site)

    def test_changes_of_every_kind_while_the_server_renews_hashes(self):
        changed, deleted, renewed = ([f"{kind}{number}" for number in range(6)] for kind in ("changed", "deleted", "renewed"))
        added = {f"added{number}" for number in range(6)}
        site = self.make_site(users=(*changed, *deleted, *renewed))
        site.configure(scrypt="ln=11,r=8,p=1")  # every login from now on renews a hash
        server = self.start(site)
        with ThreadPoolExecutor(9) as pool:
            # Users log in while their password is changed: a renewed hash must not undo the change.
            for name in (*renewed, *changed):
                pool.submit(can_log_in, server.port, name)
            processes = [self.start_command(site, "del", name) for name in deleted]
            processes += [self.start_command(site, "passwd", name, "--password-stdin", password=OTHER_PASSWORD) for name in changed]
            processes += [self.start_command(site, "add", name, "--password-stdin", password=PASSWORD) for name in added]
            self.finish(processes)
        self.assertEqual(self.users(site), added | set(changed) | set(renewed))
        for name in changed:
            until(lambda name=name: can_log_in(server.port, name, OTHER_PASSWORD), f"{name} has the new password")
            self.assertFalse(can_log_in(server.port, name), f"the old password of {name} is no longer good")
        for name in (*renewed, *added):
            until(lambda name=name: can_log_in(server.port, name), f"{name} can log in")
        for name in deleted:
            self.assertFalse(can_log_in(server.port, name), name)
        # A renewal that found the file locked is made at a later login, and has been by now.
        until(lambda: all(can_log_in(server.port, name) for name in renewed)
              and site.users_db.read_text(encoding="utf-8").count("$ln=11,") == len(added | set(changed) | set(renewed)),
              "every hash is renewed", 20)
        self.assert_sound(site)


if __name__ == "__main__":
    unittest.main()
