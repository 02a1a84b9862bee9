"""The tables of docs/performance.md, between two marks; the rest of the page is written by hand."""
from bench import targets

BEGIN = "<!-- begin: written by scripts/benchmark --report -->"
END = "<!-- end -->"

MANY_SERVERS = {
    "waiting": "one session, waiting for each reply", "in-flight-16": "one session, 16 in flight",
    "in-flight-64": "one session, 64 in flight", "sessions-16": "16 sessions, waiting", "sessions-64": "64 sessions, waiting",
    "sessions-16x16": "16 sessions, 16 in flight each", "sessions-16x16-own": "16 sessions, 16 in flight each, each below a directory of its own",
    "sessions-200": "200 sessions, waiting",
    "threads-waiting": "one session, waiting, in a thread", "threads-in-flight-64": "one session, 64 in flight, in a thread",
    "threads-sessions-16": "16 sessions, waiting, a thread each", "threads-sessions-64": "64 sessions, waiting, a thread each",
    "listing-0": "listings of an empty directory, one session", "listing-0-sessions-16": "… 16 sessions",
    "listing-100": "listings of 100 entries, one session", "listing-100-sessions-16": "… 16 sessions",
    "listing-100000": "listings of 100,000 entries, one session",
    "mkdir-p": "paths of 10 new directories, one after the other", "login-password": "logins by password",
    "login-prehash": "logins by PREHASH1", "login-session-key": "logins by session key",
}
LIMITS = {
    "limit-mkdirat": "mkdirat on tmpfs, one thread",
    "limit-mkdirat-shared": "mkdirat on tmpfs, a thread for each processor, in one directory",
    "limit-openat2": "openat2, mkdirat, close on tmpfs, one thread",
    "limit-ping-pong": "loopback, the bytes of a MKD and of its reply to and fro",
    "limit-ping-pong-64": "loopback, 64 MKDs and 64 replies to and fro",
    "limit-handshakes": "TLS 1.3 handshakes, ECDSA P-256", "limit-scrypt": "cores ÷ time of one password hash",
}


def _rounded(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _figure(results, load, who, key="value"):
    values = results.values(load, who, key)
    if not values:
        return "–"
    median = results.median(load, who, key)
    return f"{_rounded(median)} ({_rounded(min(values))}–{_rounded(max(values))})"


def _table(heads, rows):
    """Nothing if there are no rows."""
    if not rows:
        return ""
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads),
                      *("| " + " | ".join(row) + " |" for row in rows)])


def _goals(results):
    marks = {True: "yes", False: "**no**", None: "–"}
    return _table(("load", "must reach", "measured", "reached"),
                  [(line.what, line.bound, line.measured, marks[line.reached]) for line in targets.lines(results)])


def _every_server(results, head, key):
    whos = list(dict.fromkeys(who for load in MANY_SERVERS for who in results.who(load)))
    rows = [(text, *(_figure(results, load, who, key) for who in whos)) for load, text in MANY_SERVERS.items()
            if any(results.values(load, who, key) for who in whos)]
    return _table((head, *whos), rows)


def _servers(results):
    return _every_server(results, "a second: median (least–most)", "value")


def _processor_time(results):
    return _every_server(results, "µs for each: median (least–most)", "server_cpu_us")


def beside_others(results):
    """Each load of directories: the figures of every server, and ours divided by them round by round."""
    rows = []
    for load in MANY_SERVERS:
        for who in results.who(load):
            ratios = [results.ratios(load, "ftpcd", who, key) for key in ("value", "server_cpu_us")]
            figures = [_figure(results, load, who, key) for key in ("value", "server_cpu_us")]
            shown = [targets.spread(found) if found and who != "ftpcd" else "–" for found in ratios]
            rows.append((load, who, figures[0], shown[0], figures[1], shown[1]))
    return _table(("load", "server", "a second", "ftpcd makes", "server's µs for each", "ftpcd takes"), rows)


def _limits(results):
    return _table(("limit", "a second: median (least–most)"),
                  [(text, _figure(results, load, "machine")) for load, text in LIMITS.items() if results.of(load)])


def _idle(results):
    kinds = dict.fromkeys((one["load"], one["who"], one["sessions"]) for one in results.all["measurements"]
                          if one["load"].startswith("idle-") and one["sessions"] > 0)
    rows = []
    for load, who, sessions in kinds:
        def median(key, load=load, who=who):
            return results.median(load, who, key)
        rows.append((who, f"{sessions:,}", f"{max(results.values(load, who, 'bytes_each')) / 1024:,.1f} KiB",
                     f"{median('open_seconds'):.1f} s", f"{median('busy_value'):,.0f}/s",
                     f"{median('busy_p99_us') / 1000:.2f} ms", f"{min(results.values(load, who, 'answering')):,}"))
    return _table(("server", "idle sessions", "memory each (most)", "to open them", "one busy session", "its p99", "answering"),
                  rows)


def _users(results):
    rows = [(f"{one['users']:,}", f"{one['start_seconds']:.2f} s", f"{one['reload_seconds']:.2f} s",
             f"{one['memory'] / 2**20:.1f} MiB", f"{one['memory_after_reload'] / 2**20:.1f} MiB",
             f"{one['login_p50_us'] / 1000:.2f} ms", f"{one['user_add_seconds']:.2f} s")
            for one in results.all["measurements"] if one["load"].startswith("users-")]
    return _table(("users", "start-up", "reload", "memory", "after a reload", "a login by session key", "`user add`"), rows)


def _durable(results):
    loads = [(f"durable-{kind}{end}", f"{kind}, {text}") for kind in ("ext4", "xfs") for end, text in
             (("", "64 sessions, 64 parents"), ("-waiting", "one session, waiting"), ("-in-flight-64", "one session, 64 in flight"))]
    rows = [(text, who, _figure(results, load, who)) for load, text in loads for who in results.who(load)]
    return _table(("durable mode", "who", "a second: median (least–most)"), rows)


def _clients(results):
    rows = [(text, who, f"{1000 * results.median(load, who):,.1f} ms", f"{1000 * results.median(load, who, 'cpu'):,.1f} ms")
            for load, text in (("batch", "a batch over 50 ms"), ("one-directory", "one directory on loopback"))
            for who in results.who(load)]
    return _table(("load", "client", "wall time", "CPU time"), rows)


TIME = {"ntp": "NTP, one request in flight", "ntp-16": "NTP, 16 in flight", "time-text": "text, one request in flight",
        "time-text-16": "text, 16 in flight"}


def _time(results):
    rows = [(text, who, _figure(results, load, who, "server_cpu_us"), _figure(results, load, who))
            for load, text in TIME.items() for who in results.who(load)]
    return _table(("question", "server", "server's µs for an answer: median (least–most)", "answers a second"), rows)


SECTIONS = {"Every server": _servers, "Processor time of every server": _processor_time, "The limits of the machine": _limits, "Idle sessions": _idle, "Users": _users, "Time": _time,
            "On disk": _durable, "Clients": _clients}


def text(results):
    machine = results.all["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results.all["versions"].items())
    parts = [f"Measured {results.all['begun'][:10]} on {machine['cores']} cores ({machine['cpu'] or 'unknown'}), Linux "
             f"{machine['kernel']}, {machine['memory_gib']} GiB. Versions: {versions or 'none'}.",
             *(f"Note: {note}" for note in results.all["notes"]),
             "### Where it must be", _goals(results)]
    for title, table in SECTIONS.items():
        made = table(results)
        if made:
            parts += [f"### {title}", made]
    return "\n\n".join(parts)


def write(results, docs):
    """Fills the page's part; the results themselves stay where they are."""
    page = docs / "performance.md"
    old = page.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text(results)}\n\n{END}{after}", encoding="utf-8")
