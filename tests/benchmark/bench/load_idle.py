"""Sessions that are open and idle: memory of all processes of the server for each, and one busy session beside them. All must
answer afterwards."""
import time

from bench.context import order_with_cpu

PEER_SESSIONS = 1000  # those with a process for each session need a gigabyte for so many


def run(bench):
    few = 1 if not bench.quick else 20
    server = bench.first
    for number in range(bench.rounds):
        for sessions in (0, 1000 // few, 10000 // few):
            bench.measure(f"idle-{sessions}", server.name, number,
                          lambda sessions=sessions: _idle(bench, server, sessions, sessions > 0))
            server.clean_up()
    for peer in bench.servers[1:]:
        sessions = PEER_SESSIONS // few
        bench.measure(f"idle-{sessions}", peer.name, 0, lambda peer=peer, sessions=sessions: _idle(bench, peer, sessions, False))
        peer.clean_up()


def _idle(bench, server, sessions, all_at_once):
    bench.generator.load("logins", server, seconds=0.2)  # the first login's lasting memory is not a session's
    before = server.memory()
    holder = bench.generator.idle(server, sessions)
    try:
        time.sleep(0.5)  # the rest of the logins' work
        values = {"sessions": sessions, "open_seconds": holder.opened["seconds"],
                  "bytes_each": (server.memory() - before) / max(1, sessions)}
        values |= {f"busy_{name}": value for name, value in order_with_cpu(server, holder, "busy", bench.seconds, "busy-").items()}
        if all_at_once:
            values |= {f"all_{name}": value for name, value in order_with_cpu(server, holder, "all", bench.seconds, "all-").items()}
        values["answering"] = holder.order("check")["answering"] - 1  # the busy one
        if values["answering"] != sessions:
            raise RuntimeError(f"of {sessions} idle sessions {values['answering']} answer")
        return values
    finally:
        holder.close()
