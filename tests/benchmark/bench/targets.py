"""The targets: each line compares two figures of the same run."""
import statistics
from dataclasses import dataclass

from bench import peers


@dataclass
class Line:
    what: str
    bound: str
    measured: str = "not measured"
    reached: object = None  # True, False, or None if there is no figure


def lines(results):
    return [line for make in (_against_peers, _listings, _beside_listing, _time, _against_limits, _idle, _batch, _one_directory, _users, _durable, _flat)
            for line in make(results)]


def _peers(results, load):
    """Those that were measured. Other builds of ftpcd are no peers."""
    names = {kind.name for kind in peers.PEERS}
    return [who for who in results.who(load) if who in names]


def best_peer(results, load):
    """The peer with the highest median; none if no peer was measured."""
    return max(_peers(results, load), key=lambda who: results.median(load, who), default=None)


def thriftiest_peer(results, load):
    """The peer that takes the least processor time."""
    return min(_peers(results, load), key=lambda who: results.median(load, who, "server_cpu_us"), default=None)


def spread(values):
    return f"{statistics.median(values):.2f} × ({min(values):.2f}–{max(values):.2f})"


def _at_least(what, least, ratios, against):
    line = Line(what, f"≥ {least:g} ×")
    if ratios:
        line.measured = f"{spread(ratios)} {against}".rstrip()
        line.reached = statistics.median(ratios) >= least
    return line


def _at_most(what, most, ratios, against):
    line = Line(what, f"≤ {most:g} ×")
    if ratios:
        line.measured = f"{spread(ratios)} {against}"
        line.reached = statistics.median(ratios) <= most
    return line


# Directories a second, at least, and the server's processor time for one, at most; both as a ratio to the best peer.
AGAINST_PEERS = (("one session waiting for each reply", "waiting", 1.5, 0.85), ("16 sessions waiting", "sessions-16", 1.1, 0.85),
                 ("64 sessions waiting", "sessions-64", 1.1, 0.85), ("64 in flight, one session", "in-flight-64", 2.5, 0.4))


def _against_peers(results):
    for kind, end in (("", ""), ("threads-", ", a thread each")):
        for what, load, least, most in AGAINST_PEERS:
            peer = best_peer(results, kind + load)
            speed, time = (results.ratios(kind + load, "ftpcd", peer, key) if peer else [] for key in ("value", "server_cpu_us"))
            yield _at_least(what + end, least, speed, f"to {peer}")
            yield _at_most("… processor time for a directory", most, time, f"to {peer}")
    peer = best_peer(results, "sessions-16x16")
    yield _at_least("16 × 16 in flight", 3, results.ratios("sessions-16x16", "ftpcd", peer) if peer else [], f"to {peer}")


# The server's processor time for a listing, at most, as a ratio to the peer that takes the least.
LISTINGS = (("a listing of 100 entries, one session", "listing-100", 0.6),
            ("a listing of 100 entries, 16 sessions", "listing-100-sessions-16", 0.6),
            ("a listing of 100,000 entries, one session", "listing-100000", 0.7))


def _listings(results):
    for what, load, most in LISTINGS:
        peer = thriftiest_peer(results, load)
        ratios = results.ratios(load, "ftpcd", peer, "server_cpu_us") if peer else []
        yield _at_most(f"processor time for {what}", most, ratios, f"to {peer}")


def _beside_listing(results):
    line = Line("p99 of a MKD beside a listing of 1,000,000 entries", "≤ 5 ms")
    rounds = [us / 1000 for us in results.values("mkdir-beside-listing", "ftpcd", "p99_us")]
    if rounds:
        entries = results.of("mkdir-beside-listing", "ftpcd")[0]["entries"]
        line.measured = f"{statistics.median(rounds):.2f} ms ({min(rounds):.2f}–{max(rounds):.2f}) with {entries:,} entries"
        line.reached = statistics.median(rounds) <= 5 and entries >= 1000000
    yield line


# Requests in flight: an answer of NTP as a ratio to chronyd, and one of text in microseconds.
def _time(results):
    for load, how in (("ntp", "one request in flight"), ("ntp-16", "16 in flight")):
        ratios = results.ratios(load, "ftpcd", "chronyd", "server_cpu_us")
        yield _at_most(f"processor time for an answer of NTP, {how}", 1.0, ratios, "to chronyd")
    for load, how in (("time-text", "one request in flight"), ("time-text-16", "16 in flight")):
        line = Line(f"processor time for an answer as text, {how}", "≤ 5 µs")
        rounds = results.values(load, "ftpcd", "server_cpu_us")
        if rounds:
            line.measured = f"{statistics.median(rounds):.2f} µs ({min(rounds):.2f}–{max(rounds):.2f})"
            line.reached = statistics.median(rounds) <= 5
        yield line


def _against_limits(results):
    yield _at_least("64 in flight, against bare openat2+mkdirat+close on one thread", 0.7,
                    results.ratios("in-flight-64", "ftpcd", "machine", other_load="limit-openat2"), "of the bare calls")
    yield _at_least("session-key logins, against bare TLS 1.3 handshakes with the same client", 0.6,
                    results.ratios("login-session-key", "ftpcd", "machine", other_load="limit-handshakes"),
                    "of the bare handshakes")
    hashes = {one["round"]: one for one in results.of("limit-scrypt", "machine")}
    for what, load, key in (("password logins (PREHASH1), against cores ÷ scrypt time", "login-prehash", "value"),
                            ("password logins (PASS), against cores ÷ time of both hashes", "login-password", "with_prehash")):
        ratios = [one["value"] / hashes[one["round"]][key] for one in results.of(load, "ftpcd") if one["round"] in hashes]
        yield _at_least(what, 0.9, ratios, "of hashing alone")


def _idle(results):
    line = Line("memory for an idle TLS session at 10,000", "≤ 20 KiB, all open and answering")
    rounds = results.of("idle-10000", "ftpcd")
    if rounds:
        most = max(one["bytes_each"] for one in rounds)
        answering = min(one["answering"] for one in rounds)
        line.measured = f"{most / 1024:.1f} KiB at most, {answering:,} answering"
        line.reached = most <= 20 * 1024 and answering == rounds[0]["sessions"]
    yield line


def _batch(results):
    line = Line("1,000 directories at 50 ms round trip", "≤ 0.35 s")
    seconds = results.median("batch", "ftpc")
    if seconds is not None:
        count = results.of("batch", "ftpc")[0]["directories"]
        line.measured = f"{seconds:.3f} s for {count:,}"
        line.reached = seconds <= 0.35 and count >= 1000
    yield line
    for other in ("lftp", "curl", "sftp"):
        theirs = results.median("batch", other)
        line = Line(f"… against {other}", "≥ 100 × faster")
        if theirs and seconds:
            line.measured = f"{theirs / seconds:.0f} × ({theirs:.1f} s)"
            line.reached = theirs / seconds >= 100
        yield line


def _one_directory(results):
    for what, key in (("wall", "value"), ("CPU", "cpu")):
        line = Line(f"`ftpc mkdir x` start to end, {what} time against curl", "≤ 0.5 ×")
        ratios = results.ratios("one-directory", "ftpc", "curl", key)
        if ratios:
            mine, theirs = (1000 * results.median("one-directory", who, key) for who in ("ftpc", "curl"))
            line.measured = f"{spread(ratios)} ({mine:.1f} ms, {theirs:.1f} ms)"
            line.reached = statistics.median(ratios) <= 0.5
        yield line


def _users(results):
    most = results.of("users-1000000", "ftpcd")
    few = results.of("users-10", "ftpcd")
    one = {**most[0], "fewer": few[0]} if most and few else None

    def line(what, bound, text, reached):
        return Line(f"1,000,000 users: {what}", bound, text(one), reached(one)) if one else Line(f"1,000,000 users: {what}", bound)

    def each(values, key="memory"):
        return (values[key] - values["fewer"][key]) / (values["users"] - values["fewer"]["users"])
    for what, key in (("start-up", "start_seconds"), ("reload", "reload_seconds"), ("`user add`", "user_add_seconds")):
        yield line(what, "≤ 2 s", lambda v, key=key: f"{v[key]:.2f} s", lambda v, key=key: v[key] <= 2)
    yield line("memory", "≤ 250 bytes a user",
               lambda v: f"{each(v):.0f} bytes, {each(v, 'memory_after_reload'):.0f} after a reload",
               lambda v: max(each(v), each(v, "memory_after_reload")) <= 250)
    yield line("login look-up", "no slower than with 10 (within 10 %)",
               lambda v: f"{v['login_p50_us'] / v['fewer']['login_p50_us']:.2f} × the time of a login",
               lambda v: v["login_p50_us"] <= 1.1 * v["fewer"]["login_p50_us"])


def _durable(results):
    for kind in ("ext4", "xfs"):
        load = f"durable-{kind}"
        others = [who for who in results.who(load) if who != "ftpcd"]
        for other in others or [""]:
            yield _at_least(f"durable mode, 64 sessions, 64 parents, {kind}" + (f", against {other}" if other else ""), 5,
                            results.ratios(load, "ftpcd", other) if other else [], "")


def _flat(results):
    line = Line("CPU per mkdir beside 10,000 sessions, against 1", "≤ 1.3 ×")
    alone = {one["round"]: one["busy_server_cpu_us"] for one in results.of("idle-0", "ftpcd")}
    rounds = [one for one in results.of("idle-10000", "ftpcd") if one["round"] in alone]
    if rounds:
        one_busy, all_busy = ([one[key] / alone[one["round"]] for one in rounds]
                              for key in ("busy_server_cpu_us", "all_server_cpu_us"))
        line.measured = f"{spread(one_busy)} with one of them busy, {spread(all_busy)} with all"
        line.reached = max(statistics.median(one_busy), statistics.median(all_busy)) <= 1.3
    yield line
    line = Line("CPU per mkdir at 1,000,000 siblings, the file system's growth taken off", "≤ 1.5 ×")
    growth = {one["round"]: one["last_us"] - one["first_us"] for one in results.of("siblings", "machine")}
    ours = [one for one in results.of("siblings", "ftpcd") if one["round"] in growth]
    if ours:
        ratios = [(one["last_us"] - growth[one["round"]]) / one["first_us"] for one in ours]
        first, last = (results.median("siblings", "ftpcd", key) for key in ("first_us", "last_us"))
        line.measured = (f"{spread(ratios)} ({first:.1f} µs, {last:.1f} µs; "
                         f"bare {statistics.median(growth.values()):+.2f} µs)")
        line.reached = statistics.median(ratios) <= 1.5
    yield line
