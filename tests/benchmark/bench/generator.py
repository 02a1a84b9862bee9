"""Running ftp_load, the load generator."""
import json
import select
import subprocess

from bench.server import PASSWORD, USER

LONGEST = 300  # seconds; a load that takes longer has failed


def _not_refused(result):
    if result.get("refused"):
        raise RuntimeError(f"refused {result['refused']}, the first: {result['first_refusal']}")
    return result


class Generator:
    def __init__(self, program):
        self.program = str(program)

    def limit(self, kind, **options):
        return self._run([kind], options, "")

    def load(self, kind, server, login=None, **options):
        return self._run([kind, *self._server(server, login)], options, PASSWORD + "\n")

    def idle(self, server, sessions):
        return OpenSessions([self.program, "idle", *self._server(server), "--sessions", str(sessions)])

    def directories(self, server, **options):
        """Sessions that are logged in, and make directories as soon as order() is called."""
        return OpenSessions([self.program, "directories", "--on-order", *self._server(server), *self._flags(options)])

    def listings(self, server, **options):
        """Sessions that are logged in, and list as soon as order() is called."""
        return OpenSessions([self.program, "listings", "--on-order", *self._server(server), *self._flags(options)])

    def time(self, kind, address, **options):
        """A client of the time service that asks as soon as order() is called. `kind`: "ntp" or "time-text"."""
        return OpenSessions([self.program, kind, "--on-order", "--server", address, *self._flags(options)])

    @staticmethod
    def _server(server, login=None):
        return ["--server", server.address, "--user", USER, "--login", login or server.login]

    @staticmethod
    def _flags(options):
        words = []
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            if value is True:
                words.append(flag)
            elif value is not False and value is not None:
                words += [flag, str(value)]
        return words

    def _run(self, words, options, text):
        done = subprocess.run([self.program, *words, *self._flags(options)], input=text, text=True, capture_output=True,
                              timeout=LONGEST, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return _not_refused(json.loads(done.stdout))


class OpenSessions:
    """Sessions that stay open until close(); the orders to idle ones are in idle_load.hpp."""

    def __init__(self, command):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
        try:
            self._send(PASSWORD)
            self.opened = self._answer()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self):
        return self._process.pid

    def order(self, *words):
        self._send(" ".join(str(word) for word in words))
        return _not_refused(self._answer())

    def close(self):
        self._process.kill()
        self._process.communicate()

    def _send(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _answer(self):
        if not select.select([self._process.stdout], [], [], LONGEST)[0]:
            raise RuntimeError(f"the generator has said nothing for {LONGEST} s")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.stderr.read().strip() or "the generator has ended")
        return json.loads(line)
