"""Characters that are not seen, or that turn others around, in names and paths: people read them escaped."""
import json
import unittest

from harness import FTPCD, SharedServerTest, run
from ftpc_client import FtpcUser

HIDDEN = {"\u202e": r"\xe2\x80\xae", "\u2066": r"\xe2\x81\xa6", "\u200b": r"\xe2\x80\x8b", "\u2028": r"\xe2\x80\xa8",
          "\u00ad": r"\xc2\xad", "\u3164": r"\xe3\x85\xa4", "\ufeff": r"\xef\xbb\xbf", "\ufe0f": r"\xef\xb8\x8f",
          "\U000e0041": r"\xf3\xa0\x81\x81"}
NAME = "n" + "n".join(HIDDEN) + "n"
SHOWN = "n" + "n".join(HIDDEN.values()) + "n"


class HiddenCharacters(SharedServerTest):
    def setUp(self):
        self.user = FtpcUser(self.make_directory())
        self.assertEqual(self.user.log_in(self.server).returncode, 0)

    def assert_shown(self, *texts):
        for text in texts:
            self.assertIn(SHOWN, text)
            for hidden in HIDDEN:
                self.assertNotIn(hidden, text)

    def test_paths_that_were_made_or_refused_are_shown_escaped(self):
        made = self.user.ftpc("mkdir", NAME)
        self.assertEqual(made.returncode, 0, made.stderr)
        refused = self.user.ftpc("mkdir", NAME)
        self.assertEqual(refused.returncode, 1)
        self.assert_shown(made.stdout, refused.stderr)
        self.assertTrue((self.server.site.root / "alice" / NAME).is_dir())
        self.server.log.wait_for("event=directory-made.*" + SHOWN.replace("\\", r"\\"))
        self.assertNotIn("\u202e", self.server.log.text)

    def test_json_has_the_very_path_and_hides_nothing(self):
        done = self.user.ftpc("mkdir", "--json", "j" + NAME)
        self.assertEqual(done.returncode, 0, done.stderr)
        for hidden in HIDDEN:
            self.assertNotIn(hidden, done.stdout)
        self.assertEqual(json.loads(done.stdout), {"path": "/j" + NAME, "made": True})

    def test_homes_are_shown_escaped(self):
        site = self.server.site
        done = site.ftpcd("user", "add", "bob", "--home", NAME, "--password-stdin", input="secret\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.addCleanup(site.ftpcd, "user", "del", "bob")
        self.assert_shown(done.stdout, site.ftpcd("user", "list").stdout, site.ftpcd("user", "show", "bob").stdout)
        (site.root / NAME).rmdir()
        for command in (["why", "bob"], ["check"]):
            done = site.ftpcd(*command)
            self.assert_shown(done.stdout + done.stderr)

    def test_messages_of_both_programs_are_escaped_wherever_the_text_comes_from(self):
        for words in ([NAME], ["user", NAME], ["user", "del", NAME], ["serve", "--" + NAME], ["check", "--config", "/" + NAME],
                      ["check", "--data", "/nowhere/" + NAME], ["user", "list", "--data", "/nowhere/" + NAME],
                      ["serve", "--data", "/proc/" + NAME], ["fingerprint", "--certificate", NAME, "--key", NAME]):
            done = run(FTPCD, *words)
            self.assertNotEqual(done.returncode, 0)
            self.assert_shown(done.stdout + done.stderr)
        self.user.environment["XDG_STATE_HOME"] = "/proc/" + NAME
        for words in ([NAME], ["login", NAME], ["login", "alice@" + NAME], ["status", NAME], ["login", "--" + NAME], ["login", "--pin", NAME],
                      ["login", "--ca", NAME], ["login", "alice@localhost:1"]):
            done = self.user.ftpc(*words)
            self.assertNotEqual(done.returncode, 0)
            self.assert_shown(done.stdout + done.stderr)

    def test_problems_of_the_settings_are_escaped(self):
        config = self.user.home / "ftpcd.conf"
        for line in (f"{NAME} = 1\n", f"listen = {NAME}\n", f"{NAME}\n", f"pepper-file = /{NAME}\n"):
            config.write_text(line, encoding="utf-8")
            done = run(FTPCD, "check", "--config", str(config), "--data", str(self.server.site.data))
            self.assertEqual(done.returncode, 1)
            if line != f"{NAME}\n":
                self.assert_shown(done.stderr)
            self.assertNotIn("\u202e", done.stderr)


if __name__ == "__main__":
    unittest.main()
