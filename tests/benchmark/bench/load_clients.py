"""Whole clients: a batch of 1,000 directories over a link with a round trip of 50 ms, and one directory on loopback."""
import pathlib
import subprocess
import sys
import threading

from bench import peers
from bench.clients import Curl, Ftpc, Lftp, Sftp
from bench.sshd import Sshd

ROUND_TRIP_MS = 50
PROXY = pathlib.Path(__file__).with_name("delay_proxy.py")


class Link:
    def __init__(self, port):
        self._process = subprocess.Popen([sys.executable, PROXY, str(port), str(ROUND_TRIP_MS)],
                                         stdout=subprocess.PIPE, text=True)
        self.port = int(self._process.stdout.readline())

    def close(self):
        self._process.kill()
        self._process.communicate()


def run_batch(bench):
    count = 20 if bench.quick else 1000
    link = Link(bench.first.port)
    bench.place.at_end(link.close)
    ftpc = Ftpc(bench, link.port)
    for number in range(bench.rounds):
        bench.measure("batch", "ftpc", number, lambda number=number: _batch(ftpc, bench.first.home, f"ftpc{number}-", count))
    _slow_ones(bench, count, link)
    bench.first.clean_up()


def _batch(client, home, prefix, count):
    taken = client.make([f"{prefix}{number}" for number in range(count)])
    made = sum(1 for entry in home.iterdir() if entry.name.startswith(prefix))
    if made != count:
        raise RuntimeError(f"of {count} directories {made} were made")
    return {"value": taken["wall"], "cpu": taken["cpu"], "directories": count}


def _slow_ones(bench, count, link):
    """They wait for the link nearly all of the time, so that they may do it side by side; once, as it takes minutes."""
    clients = [(Lftp(bench, link.port), bench.first.home), (Curl(bench, link.port), bench.first.home)]
    try:
        sshd = peers.start(Sshd, bench)
        bench.place.at_end(sshd.stop)
        bench.results.version(sshd.name, sshd.version)
        ssh_link = Link(sshd.port)
        bench.place.at_end(ssh_link.close)
        clients.append((Sftp(sshd, ssh_link.port), sshd.home))
    except (OSError, RuntimeError, subprocess.SubprocessError) as failure:
        bench.note(f"sftp: {failure}")
    threads = [threading.Thread(target=bench.measure, args=("batch", client.name, 0, lambda client=client, home=home: _batch(
        client, home, client.name, count))) for client, home in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_one(bench):
    """`ftpc mkdir x` and curl making one, in turn on the same server. The user's hash is a cheap one there, which is in
    favour of curl: it logs in by password."""
    clients = [Ftpc(bench, bench.first.port), Curl(bench, bench.first.port)]
    times = 4 if bench.quick else 10
    for number in range(bench.rounds):
        for client in clients:
            bench.measure("one-directory", client.name, number,
                          lambda client=client, number=number: _ones(client, f"{client.name}-{number}-", times))
    bench.first.clean_up()


def _ones(client, prefix, times):
    taken = [client.make_one(f"{prefix}{number}") for number in range(times)]
    return {"value": sum(one["wall"] for one in taken) / times, "cpu": sum(one["cpu"] for one in taken) / times}
