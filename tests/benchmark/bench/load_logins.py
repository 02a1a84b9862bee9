"""Logins a second: by password on every server, by session key on ftpcd, and the machine's limit."""
from bench.ftpcd import DEFAULT_HASH

AT_ONCE = 16
PASSWORD_SECONDS = 6  # a hash takes a fifth of a second, and it is few of them that are counted


def _values(result):
    return {"value": result["per_second"], "p50_us": result["latency"]["p50_us"],
            "p99_us": result["latency"]["p99_us"], "logins": result["logins"]}


def run(bench):
    session_keys(bench)
    default = bench.start_ftpcd("ftpcd-default-hash", scrypt=DEFAULT_HASH)
    try:
        passwords(bench, default)
    finally:
        default.stop()


def session_keys(bench):
    for number in range(bench.rounds):
        bench.measure("login-session-key", "ftpcd", number, lambda: _logins(bench, bench.first, "session-key"))
        bench.measure("limit-handshakes", "machine", number, lambda: _values(bench.generator.limit(
            "handshakes", certificate=bench.certificate, key=bench.key, sessions=AT_ONCE, seconds=bench.seconds)))


def _logins(bench, server, login, seconds=None):
    server.wait_until_idle()  # the logins that the load before broke off are hashed all the same
    before = server.cpu_seconds()
    result = bench.generator.load("logins", server, login, sessions=AT_ONCE, seconds=seconds or bench.seconds)
    return {**_values(result), "server_cpu_us": 1e6 * (server.cpu_seconds() - before) / max(1, result["logins"])}


def passwords(bench, default):
    seconds = max(bench.seconds, 1.5 if bench.quick else PASSWORD_SECONDS)
    for number in range(bench.rounds):
        bench.measure("limit-scrypt", "machine", number, lambda: _hashes(bench))
        bench.measure("login-password", "ftpcd", number, lambda: _logins(bench, default, "password", seconds))
        bench.measure("login-prehash", "ftpcd", number, lambda: _logins(bench, default, "prehash", seconds))
        for server in bench.servers[1:]:
            bench.measure("login-password", server.name, number,
                          lambda server=server: _logins(bench, server, "password"))


def _hashes(bench):
    """Logins a second if nothing but hashing took time: cores / time of the hash, and of both steps for PASS."""
    runs = 1 if bench.quick else 2
    stored = bench.generator.limit("scrypt", ln=15, r=8, p=3, runs=runs)
    step = bench.generator.limit("scrypt", ln=14, r=8, p=1, runs=5 * runs)
    cores = stored["cores"]
    return {"value": cores / stored["seconds"], "with_prehash": cores / (stored["seconds"] + step["seconds"]),
            "on_all_cores": cores / stored["seconds_on_all_cores"], "seconds": stored["seconds"],
            "prehash_seconds": step["seconds"]}
