"""max-dirs: exact for several sessions at once, across restarts, and when others make or remove directories."""
import os
import shutil
import threading
import unittest

from harness import PASSWORD, EndToEndTest, directories_in, tree_owner, until
from control_client import logged_in


class Quotas(EndToEndTest):
    def serve_alice(self, max_dirs, **settings):
        self.site = self.make_site((), **settings)
        done = self.site.ftpcd("user", "add", "alice", "--password-stdin", "--max-dirs", max_dirs,
                               input=PASSWORD + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.home = self.site.root / "alice"
        self.server = self.start(self.site)
        return self.server

    def session(self):
        control = logged_in(self.server.port)
        self.addCleanup(control.close)
        return control

    def make_outside(self, *names):
        """As somebody else on the machine would."""
        for name in names:
            (self.home / name).mkdir()
            os.chown(self.home / name, *tree_owner())

    def used(self):
        done = self.site.ftpcd("user", "show", "alice")
        self.assertEqual(done.returncode, 0, done.stderr)
        return next(line.split(None, 1)[1] for line in done.stdout.splitlines() if line.startswith("directories "))

    def set_limit(self, limit):
        done = self.site.ftpcd("user", "quota", "alice", limit)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_one_more_than_the_limit_is_552_with_the_limit_in_words(self):
        server = self.serve_alice("3")
        alice = self.session()
        replies = alice.pipeline(["MKD a", "MKD a/b", "MKD c", "MKD d", "MKD a/b/e"])
        self.assertEqual([reply.code for reply in replies], [257, 257, 257, 552, 552])
        self.assertEqual(replies[3].text, "You may have at most 3 directories.")
        self.assertEqual(alice.code("MKD a"), 521, "what is there is still told apart")
        self.assertEqual(alice.code("SITE MKDIR a/b"), 250)
        self.assertEqual(directories_in(self.home), {"a", "a/b", "c"})
        self.assertEqual(self.used(), "3, at most 3")
        server.log.wait_for(r"event=limit-hit limit=max-dirs id=\d+ user=alice max-dirs=3")

    def test_a_path_is_made_as_far_as_the_limit_goes(self):
        server = self.serve_alice("2")
        with logged_in(server.port) as alice:
            answer = alice.ask("SITE MKDIR a/b/c/d")
        self.assertEqual((answer.code, answer.text), (552, "You may have at most 2 directories."))
        self.assertEqual(directories_in(self.home), {"a", "a/b"})
        server.log.wait_for(r"event=directory-made id=\d+ user=alice path=/a/b made=2$")
        server.log.wait_for(r"event=disconnected .* directories=2$")

    def test_the_part_of_a_path_made_before_a_count_belongs_to_it(self):
        server = self.serve_alice("1003", durability="none")
        self.make_outside(*map(str, range(1000)))  # so that a count takes its time, and is good for some
        with logged_in(server.port) as alice:
            # Not together: the count for the first would do to refuse the second.
            self.assertEqual([alice.code("MKD counted"), alice.code("SITE MKDIR a/b/c/d")], [257, 552])
        self.assertEqual({name for name in directories_in(self.home) if name[0] in "abcd"}, {"counted", "a", "a/b"})
        server.log.wait_for(r"event=directory-made id=\d+ user=alice path=/a/b made=2$")
        server.log.wait_for(r"event=disconnected .* directories=3$")

    def test_directories_made_and_removed_by_others_count_at_once(self):
        self.serve_alice("4")
        alice = self.session()
        self.make_outside("x", "x/y", "x/y/z")
        self.assertEqual([alice.code("MKD a"), alice.code("MKD b")], [257, 552])
        shutil.rmtree(self.home / "x/y")
        self.assertEqual([alice.code("MKD b"), alice.code("MKD c"), alice.code("MKD d")], [257, 257, 552])
        (self.home / "c").rmdir()
        self.assertEqual([alice.code("MKD d"), alice.code("MKD e")], [257, 552])

    def test_links_and_files_are_no_directories(self):
        self.serve_alice("1")
        (self.home / "file").touch()
        (self.home / "link").symlink_to("/usr")
        alice = self.session()
        self.assertEqual([alice.code("MKD a"), alice.code("MKD b")], [257, 552])

    def test_it_holds_across_restarts(self):
        server = self.serve_alice("3")
        self.assertEqual([self.session().code(f"MKD {i}") for i in range(2)], [257, 257])
        server.stop()
        self.server = self.start(self.site)
        alice = self.session()
        self.assertEqual([alice.code(f"MKD {i}") for i in range(2, 5)], [257, 552, 552])

    def test_sessions_that_race_make_exactly_as_many_as_they_may(self):
        for hand_over in ["auto", "always"]:  # on the loop, and on several threads at once
            with self.subTest(hand_over=hand_over):
                self.serve_alice("200", hand_over=hand_over, durability="none")
                sessions = [self.session() for _ in range(6)]
                codes = [[] for _ in sessions]

                def make(number):
                    lines = [f"MKD {number}-{i}" if i % 2 else f"SITE MKDIR {number}-{i}/x" for i in range(60)]
                    codes[number] = [reply.code for reply in sessions[number].pipeline(lines)]

                threads = [threading.Thread(target=make, args=(number,)) for number in range(len(sessions))]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual(len(directories_in(self.home)), 200)
                self.assertEqual({code for each in codes for code in each}, {257, 552})
                self.assertEqual(self.used(), "200, at most 200")

    def test_another_limit_counts_for_open_sessions_without_a_new_login(self):
        self.serve_alice("1")
        alice = self.session()
        self.assertEqual([alice.code("MKD 0"), alice.code("MKD 1")], [257, 552])
        self.assertEqual(self.set_limit("2"), "alice: at most 2 directories\n")
        until(lambda: alice.code("MKD 1") in (257, 521), "the new limit counts")
        self.assertEqual(alice.ask("MKD 2").text, "You may have at most 2 directories.")
        self.assertEqual(self.set_limit("none"), "alice: no limit\n")
        until(lambda: alice.code("MKD 2") in (257, 521), "there is no limit any more")
        self.assertEqual(self.used(), "3, no limit")
        self.assertEqual(self.set_limit("default"), "alice: as the setting max-dirs says\n")
        self.assertEqual(self.used(), "3, no limit (by the setting max-dirs)")

    def test_the_setting_is_the_limit_of_those_without_one_and_follows_a_reload(self):
        server = self.serve(max_dirs="1")
        self.server, self.site = server, server.site
        alice = self.session()
        self.assertEqual([alice.code("MKD 0"), alice.code("MKD 1")], [257, 552])
        self.assertEqual(self.used(), "1, at most 1 (by the setting max-dirs)")
        server.site.configure(max_dirs="2")
        server.hang_up()
        until(lambda: alice.code("MKD 1") in (257, 521), "the new setting counts")
        self.assertEqual(alice.code("MKD 2"), 552)

    def test_sixty_four_deep_and_no_deeper(self):
        server = self.serve()
        with logged_in(server.port) as alice:
            self.assertEqual(alice.code("SITE MKDIR " + "/".join(["d"] * 64)), 257)
            for line in ["MKD " + "/".join(["d"] * 65), "SITE MKDIR " + "/".join(["d"] * 65)]:
                answer = alice.ask(line)
                self.assertEqual((answer.code, answer.text),
                                 (552, "too deep (at most 64 directories beneath the home)"))
        self.assertEqual(len(directories_in(server.site.root / "alice")), 64)

    def test_wrong_limits_change_nothing(self):
        self.serve_alice("1")
        before = self.site.users_db.read_bytes()
        for words, status in [(["alice"], 2), (["alice", "-1"], 2), (["alice", "many"], 2), (["alice", "1", "2"], 2),
                              (["bob", "1"], 1), (["Alice", "1"], 1)]:
            done = self.site.ftpcd("user", "quota", *words)
            self.assertEqual(done.returncode, status, words)
            self.assertNotEqual(done.stderr, "")
        self.assertEqual(self.site.users_db.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
