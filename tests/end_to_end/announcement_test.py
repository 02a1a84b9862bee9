"""The announcement of `ftpcd serve` when it has started: the commands in it work as they stand."""
import re
import subprocess
import unittest

from harness import FTPCD, EndToEndTest, until
from control_client import can_log_in

PASSWORD = "good enough"


class Announcement(EndToEndTest):
    def carry_out(self, command, **options):
        program, rest = command.split(" ", 1)
        self.assertEqual(program, "ftpcd")
        return subprocess.run(["sh", "-c", f'"$0" {rest}', FTPCD], capture_output=True, text=True, **options)

    def test_the_commands_that_it_names_find_what_it_serves(self):
        own = self.make_directory() / "with a 'space"
        own.mkdir()
        certificate, key = own / "certificate.pem", own / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-subj", "/CN=x", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        for flags in ((), ("--certificate", str(certificate), "--key", str(key))):
            with self.subTest(flags=flags):
                server = self.start(self.make_site(users=()), *flags)
                fingerprint, shown = re.search(r"ftpcd: key fingerprint of the certificate (\S+) \(show it to your users: (.*)\)\n", server.log.text).groups()
                self.assertEqual(self.carry_out(shown).stdout, fingerprint + "\n")
                add = re.search("nobody can log in yet; add a user with: (.*)\n", server.log.text)[1]
                done = self.carry_out(add.replace("NAME", "carol") + " --password-stdin", input=PASSWORD + "\n")
                self.assertEqual(done.returncode, 0, done.stderr)
                until(lambda: can_log_in(server.port, "carol", PASSWORD), "the new user logs in")


if __name__ == "__main__":
    unittest.main()
