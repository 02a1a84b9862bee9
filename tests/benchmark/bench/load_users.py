"""1 to 1,000,000 users in users.db: start-up, reload, memory, login look-up, `ftpcd user add`."""
import time

from bench.server import USER

COUNTS = (1, 10, 1000, 100000, 1000000)


def run(bench):
    counts = COUNTS[:3] if bench.quick else COUNTS
    for count in counts:
        bench.measure(f"users-{count}", "ftpcd", 0, lambda count=count: _with_users(bench, count))


def _fill(server, count):
    """The one user, and others with the same hash, as only their number matters here. Returns a further user's line."""
    server.user_add(USER)
    file = server.data / "users.db"
    known = file.read_text(encoding="utf-8")
    own = next(line for line in known.splitlines() if line.startswith(f"user {USER} "))
    rest = own[len(f"user {USER} "):]
    with open(file, "a", encoding="utf-8") as out:
        out.writelines(f"user u{number} {rest}\n" for number in range(count - 1))
    return f"user one-more {rest}\n"


def _with_users(bench, count):
    noted = {}

    def users(server):
        noted["line"] = _fill(server, count)
        noted["begun"] = time.monotonic()
    server = bench.start_ftpcd(f"ftpcd-users-{count}", users=users)
    try:
        values = {"users": count, "start_seconds": time.monotonic() - noted["begun"], "memory": server.memory()}
        values["reload_seconds"] = _seconds(lambda: server.reload_with(noted["line"]))
        values["memory_after_reload"] = server.memory()
        logins = bench.generator.load("logins", server, seconds=bench.seconds)
        values["login_p50_us"] = logins["latency"]["p50_us"]
        values["user_add_seconds"] = _seconds(lambda: server.user_add("newcomer"))
        return values
    finally:
        server.stop()


def _seconds(function):
    begin = time.monotonic()
    function()
    return time.monotonic() - begin
