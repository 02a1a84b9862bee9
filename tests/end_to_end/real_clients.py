"""Other people's FTP clients as tests run them: over explicit TLS, with trust in the server's own certificate."""
import ftplib
import os
import shutil
import ssl
import unittest

from harness import PASSWORD, SharedServerTest, directories_in, run, tree_owner

NAMES = ["plain", "with space", "  two before", 'with "quotes"', "100%25 %s", "资料与图片", "back\\slash", "'single'", "#;&$(x)"]
PLAIN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def need(program):
    return unittest.skipUnless(shutil.which(program), f"{program} is not installed")


def quoted_for_lftp(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class RealClientsTest(SharedServerTest):
    """A server for all tests of the class, with a user for each client."""

    def home(self, user):
        return self.server.site.root / user

    def made_by(self, user):
        return directories_in(self.home(user))

    @classmethod
    def make_directories(cls, user, paths):
        """Makes them past the server, each parent before what is in it."""
        for path in paths:
            directory = cls.server.site.root / user / path
            directory.mkdir()
            os.chown(directory, *tree_owner())

    @property
    def certificate(self):
        return str(self.server.site.certificate)

    def environment(self):
        """Of a client that keeps files in its home directory."""
        return {**PLAIN_ENVIRONMENT, "HOME": str(self.make_directory())}

    def ftplib_client(self, user):
        context = ssl.create_default_context(cafile=self.certificate)
        client = ftplib.FTP_TLS(context=context, encoding="utf-8", timeout=20)
        client.connect("127.0.0.1", self.server.port)
        self.addCleanup(client.close)
        client.login(user, PASSWORD)  # AUTH TLS first, by itself
        return client

    def lftp(self, user, password, commands, seconds=30.0):
        settings = [f"set ssl:ca-file {self.certificate}", "set ftp:ssl-force true", "set ssl:verify-certificate true",
                    "set ssl:check-hostname true", "set net:max-retries 1", "set net:timeout 20", "set cmd:fail-exit true"]
        script = "\n".join([*settings, f'open -u {user},"{password}" -p {self.server.port} 127.0.0.1', *commands]) + "\n"
        return run("lftp", "--norc", "-f", "/dev/stdin", input=script, env=self.environment(), seconds=seconds)

    def curl(self, user, password, path, *flags, **options):
        return run("curl", "-q", "-sS", "--ssl-reqd", "--cacert", self.certificate, "--user", f"{user}:{password}", *flags,
                   f"ftp://127.0.0.1:{self.server.port}/{path}", env=PLAIN_ENVIRONMENT, **options)
