"""Other people's FTP clients list directories over explicit TLS: lftp, curl, rclone, wget, ftplib, basic-ftp and gftp."""
import ftplib
import json
import pathlib
import re
import shutil
import unittest

from harness import PASSWORD, SOURCE, directories_in, run
from real_clients import NAMES, PLAIN_ENVIRONMENT, RealClientsTest, need, quoted_for_lftp

TIMES = 200  # listings in a row
BASIC_FTP = SOURCE / "build/basic-ftp/package"  # by scripts/set-up
HERE = pathlib.Path(__file__).resolve().parent
NO_TRANSFER = "This server makes and lists directories; it has no file transfer yet."

TOP = {*NAMES, "deep", "many"}
MANY = [f"many/目录 {i}" for i in range(TIMES)]
TREE = [*NAMES, "deep", "deep/er", "deep/er/资料", "many", *MANY]
# A line of LIST: mode, links, owner, group, size, month, day, time or year, one space, and the name with all of its spaces.
LIST_LINE = re.compile(r"drwxr-xr-x +\d+ ftp +ftp +\d+ [A-Z][a-z]{2} [ \d]\d (?:\d\d:\d\d| \d{4}) (.*)")


def names_of_list(text):
    """The names in what LIST sent; fails if a line is not one of a directory."""
    names = []
    for line in text.splitlines():
        match = LIST_LINE.fullmatch(line)
        if match is None:
            raise AssertionError(f"no line of a directory: {line!r}")
        names.append(match[1])
    return names


class ListingTest(RealClientsTest):
    """A server on which every user has the same directories."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for user in cls.users:
            cls.make_directories(user, TREE)

    def assert_names(self, names, wanted, times=1):
        """Each of the wanted names is there so many times, and no other."""
        self.assertEqual(sorted(names), sorted(list(wanted) * times))

    def curl_many(self, user, number, *flags):
        """So many listings of the top in one session, each in a file; their texts."""
        directory = self.make_directory()
        address = f"ftp://127.0.0.1:{self.server.port}/"
        config = "".join(f'url = "{address}"\noutput = "{directory}/{i}"\n' for i in range(number))
        done = self.curl(user, PASSWORD, "", "-o", "/dev/null", *flags, "-K", "-", input=config, seconds=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [(directory / str(i)).read_text(encoding="utf-8") for i in range(number)]

    def rclone(self, user, *words, **options):
        obscured = run("rclone", "obscure", "-", input=PASSWORD, env=PLAIN_ENVIRONMENT).stdout.strip()
        remote = {"TYPE": "ftp", "HOST": "127.0.0.1", "PORT": str(self.server.port), "USER": user, "PASS": obscured, "EXPLICIT_TLS": "true"}
        environment = {**self.environment(), "RCLONE_CONFIG": "/dev/null", "SSL_CERT_FILE": self.certificate,
                       **{f"RCLONE_CONFIG_SERVER_{name}": value for name, value in remote.items()}}
        return run("rclone", *words, "--retries", "1", "--low-level-retries", "1", env=environment, **options)

    def wget(self, user, password, *words, scheme="ftps", path="", **options):
        return run("wget", "--no-config", "-nv", "--tries=1", "--timeout=20", f"--ca-certificate={self.certificate}", "--ftps-resume-ssl",
                   f"--user={user}", f"--password={password}", *words, f"{scheme}://127.0.0.1:{self.server.port}/{path}",
                   env=PLAIN_ENVIRONMENT, **options)

    def basic_ftp(self, user, *steps, seconds=60.0):
        """The results of the steps, each a list of an action and its arguments."""
        request = {"port": self.server.port, "user": user, "password": PASSWORD, "certificate": self.certificate, "steps": steps}
        done = run("node", str(HERE / "basic_ftp.js"), str(BASIC_FTP), input=json.dumps(request), env=PLAIN_ENVIRONMENT, seconds=seconds)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]


need_basic_ftp = unittest.skipUnless(BASIC_FTP.is_dir() and shutil.which("node"), "basic-ftp is not there: scripts/set-up all brings it if npm is installed")


class Listings(ListingTest):
    users = ("lftp", "curl", "rclone", "wget", "ftplib", "basic-ftp", "gftp")

    @need("lftp")
    def test_lftp_lists_in_both_forms_without_end(self):
        rounds = ["ls", "echo --next--", "cls -1", "echo --next--"] * (TIMES // 2)
        done = self.lftp("lftp", PASSWORD, ["set cache:enable false", *rounds], seconds=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        listings = done.stdout.split("--next--\n")[:-1]
        self.assertEqual(len(listings), TIMES)
        for long_form, names in zip(listings[::2], listings[1::2]):
            self.assert_names(names_of_list(long_form), TOP)
            self.assert_names(names.splitlines(), [name + "/" for name in TOP])

    @need("lftp")
    def test_lftp_mirrors_a_tree_of_directories(self):
        copy = self.make_directory()
        done = self.lftp("lftp", PASSWORD, [f"mirror --parallel=4 / {copy}"], seconds=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(directories_in(copy), set(TREE))

    @need("lftp")
    def test_lftp_shows_what_it_made(self):
        for name in NAMES:
            path = f"deep/er/资料/{name}/下"
            done = self.lftp("lftp", PASSWORD, [f"mkdir -p {quoted_for_lftp(path)}", f"ls {quoted_for_lftp(path.rpartition('/')[0])}"])
            shutil.rmtree(self.home("lftp") / path.rpartition("/")[0], ignore_errors=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_names(names_of_list(done.stdout), ["下"])

    @need("curl")
    def test_curl_lists_without_end(self):
        for text in self.curl_many("curl", TIMES // 2):
            self.assert_names(names_of_list(text), TOP)

    @need("curl")
    def test_curl_lists_names_without_end(self):
        for text in self.curl_many("curl", TIMES // 2, "-l"):
            self.assert_names(text.splitlines(), TOP)

    @need("curl")
    def test_curl_sees_whether_a_directory_is_there(self):
        self.assertEqual(self.curl("curl", PASSWORD, "deep/er/", "-I").returncode, 0)
        missing = self.curl("curl", PASSWORD, "deep/missing/", "-I")
        self.assertEqual(missing.returncode, 9, missing.stderr)  # CURLE_REMOTE_ACCESS_DENIED

    @need("curl")
    def test_curl_lists_a_path_of_an_address(self):
        done = self.curl("curl", PASSWORD, "many/", "-l")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names(done.stdout.splitlines(), [path.partition("/")[2] for path in MANY])

    @need("rclone")
    def test_rclone_lists_two_hundred_directories_with_several_sessions(self):
        done = self.rclone("rclone", "lsf", "-R", "--dirs-only", "server:", seconds=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names(done.stdout.splitlines(), [path + "/" for path in TREE])

    @need("rclone")
    def test_rclone_lists_the_directories_of_a_directory(self):
        done = self.rclone("rclone", "lsd", "server:")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names([re.fullmatch(r" +-1 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d +-1 (.*)", line)[1] for line in done.stdout.splitlines()], TOP)

    @need("rclone")
    def test_rclone_makes_a_path_and_lists_it(self):
        done = self.rclone("rclone", "mkdir", "server:deep/made by/rclone/目录")
        listed = self.rclone("rclone", "lsf", "-R", "server:deep/made by")
        shutil.rmtree(self.home("rclone") / "deep/made by", ignore_errors=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names(listed.stdout.splitlines(), ["rclone/", "rclone/目录/"])

    @need("rclone")
    def test_rclone_says_that_no_file_can_be_copied(self):
        done = self.rclone("rclone", "copy", str(pathlib.Path(__file__).resolve()), "server:plain")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(NO_TRANSFER, done.stderr)

    @need("wget")
    def test_wget_lists_two_hundred_directories_in_a_session(self):
        copy = self.make_directory()
        done = self.wget("wget", PASSWORD, "-r", "-l0", "-nH", "-P", str(copy), "--no-remove-listing", "--restrict-file-names=nocontrol",
                         path="many/", seconds=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names({str(path.parent.relative_to(copy)) for path in copy.rglob(".listing")}, ["many", *MANY])

    @need("wget")
    def test_wget_logs_in_anew_for_each_address(self):
        times = TIMES // 4
        addresses = f"ftps://127.0.0.1:{self.server.port}/deep/\n" * (times - 1)
        done = self.wget("wget", PASSWORD, "-O", "-", "-i", "-", path="deep/", input=addresses, seconds=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count(">er/</a>"), times)

    @need("wget")
    def test_wget_lists_names_as_they_are(self):
        copy = self.make_directory()
        done = self.wget("wget", PASSWORD, "-P", str(copy), "--no-remove-listing")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names(names_of_list((copy / ".listing").read_text(encoding="utf-8")), TOP)

    @need("wget")
    def test_wget_without_tls_gets_nowhere(self):
        done = self.wget("wget", PASSWORD, "-O", "-", scheme="ftp")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")

    def listings_of_ftplib(self, client):
        lines = []
        client.dir(lines.append)
        self.assert_names(names_of_list("\n".join(lines)), TOP)
        self.assert_names(client.nlst(), TOP)
        facts = dict(client.mlsd())
        self.assert_names(facts, TOP)
        self.assertEqual({(found["type"], found["perm"]) for found in facts.values()}, {("dir", "elm")})

    def test_ftplib_lists_in_every_form_without_end(self):
        client = self.ftplib_client("ftplib")
        client.prot_p()
        for _ in range(TIMES // 3 + 1):
            self.listings_of_ftplib(client)
        self.assertTrue(client.quit().startswith("221"))

    def test_ftplib_is_refused_listings_in_clear(self):
        client = self.ftplib_client("ftplib")
        for attempt in (client.nlst, client.dir, lambda: list(client.mlsd())):
            with self.assertRaisesRegex(ftplib.error_perm, "^521 "):
                attempt()
        client.prot_p()
        self.listings_of_ftplib(client)

    def test_ftplib_learns_no_size_of_a_directory(self):
        client = self.ftplib_client("ftplib")
        for kind in ("TYPE A", "TYPE I"):
            client.voidcmd(kind)
            with self.assertRaisesRegex(ftplib.error_perm, "^550 "):
                client.size("deep")
        with self.assertRaisesRegex(ftplib.error_perm, "^502 .*" + re.escape(NO_TRANSFER)):
            client.voidcmd("RETR deep")

    def test_ftplib_lists_a_path_that_it_names(self):
        client = self.ftplib_client("ftplib")
        client.prot_p()
        self.assert_names(client.nlst("deep/er"), ["资料"])
        self.assert_names([name for name, _ in client.mlsd("many")], [path.partition("/")[2] for path in MANY])
        client.cwd("资料与图片")
        self.assertEqual(client.nlst(), [])
        with self.assertRaisesRegex(ftplib.error_perm, "^550 "):
            client.nlst("missing")
        self.assertEqual(client.nlst("../deep"), ["er"])

    @need_basic_ftp
    def test_basic_ftp_lists_without_end(self):
        for listed in self.basic_ftp("basic-ftp", *[["list"]] * TIMES):
            self.assertEqual(sorted(listed), sorted([name, True] for name in TOP))

    @need_basic_ftp
    def test_basic_ftp_changes_and_makes_directories(self):
        self.addCleanup(shutil.rmtree, self.home("basic-ftp") / "资料与图片/made", ignore_errors=True)
        results = self.basic_ftp("basic-ftp", ["cd", "deep"], ["list"], ["ensureDir", "/资料与图片/made/by it"], ["pwd"], ["cd", "/"],
                                 ["list", "资料与图片/made"], ["size", "deep"], ["upload", "x"], ["list", "deep"])
        self.assertEqual(results[:6], [250, [["er", True]], None, "/资料与图片/made/by it", 250, [["by it", True]]])
        self.assertRegex(results[6]["error"], "^550 ")
        self.assertEqual(results[7]["error"], f"502 {NO_TRANSFER}")
        self.assertEqual(results[8], [["er", True]], "a refused upload leaves nothing behind")

    def gftp(self, user, *commands, seconds=60.0):
        return run("gftp-text", f"ftps://{user}:{PASSWORD}@127.0.0.1:{self.server.port}/",
                   input="\n".join([*commands, "quit"]) + "\n", env=self.environment(), seconds=seconds)

    @need("gftp-text")
    def test_gftp_lists_without_end(self):
        done = self.gftp("gftp", "set cache_ttl=-1", *["ls"] * TIMES)
        self.assertEqual(done.returncode, 0, done.stdout)
        text = re.sub(r"\x1b\[\d*m|\0", "", done.stdout)
        self.assertEqual(text.count("MLSD"), TIMES, text[:3000])
        self.assert_names(re.findall(r"^drwxr-xr-x +- +- +\d+ \w{3} [ \d]\d +\d\d:\d\d (.*)$", text, re.MULTILINE), TOP, TIMES)


class ListingsOfSessionsThatResume(ListingTest):
    """With `data-resumption = require` a data connection has to resume the TLS session of its control connection."""

    users = ("alice",)
    settings = {"data_resumption": "require"}

    @need("lftp")
    def test_lftp_resumes(self):
        done = self.lftp("alice", PASSWORD, ["set cache:enable false", *["ls"] * 20])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names(names_of_list(done.stdout), TOP, 20)

    @need("curl")
    def test_curl_resumes_for_each_listing(self):
        # A ticket of the control connection serves it once; after that it needs one from each data connection.
        for text in self.curl_many("alice", 5, "-l"):
            self.assert_names(text.splitlines(), TOP)

    @need("rclone")
    def test_rclone_resumes_in_one_session(self):
        # With several, it offers a session of TLS that belongs to another of its control connections.
        done = self.rclone("alice", "lsf", "-R", "--dirs-only", "--checkers", "1", "server:deep")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_names(done.stdout.splitlines(), ["er/", "er/资料/"])

    @need("wget")
    def test_wget_resumes_if_asked_to(self):
        done = self.wget("alice", PASSWORD, "-O", "-", path="deep/")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(">er/</a>", done.stdout)

    @need_basic_ftp
    def test_basic_ftp_resumes(self):
        for listed in self.basic_ftp("alice", *[["list"]] * 20):
            self.assertEqual(sorted(listed), sorted([name, True] for name in TOP))

    def test_ftplib_cannot_resume_and_is_told_so(self):
        client = self.ftplib_client("alice")
        client.prot_p()
        # The reset of the data connection may come first; then the reply is the next to read.
        with self.assertRaises((ftplib.error_perm, OSError)) as refused:
            client.nlst()
        reply = str(refused.exception) if isinstance(refused.exception, ftplib.error_perm) else client.getmultiline()
        self.assertRegex(reply, "^522 ")


if __name__ == "__main__":
    unittest.main()
