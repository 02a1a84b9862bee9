"""1 to 1,000,000 directories under one parent: the cost of a mkdir at the beginning and at the end."""
from bench.context import order_with_cpu
from bench.place import empty

PART = 0.03  # the first and the last part, which are compared; as in ftp_load growth
IN_FLIGHT = 64


def run(bench):
    count = 20000 if bench.quick else 1000000
    for number in range(bench.rounds):
        bench.measure("siblings", "machine", number, lambda number=number: _bare(bench, count, number))
        bench.measure("siblings", "ftpcd", number, lambda: _ftpcd(bench, count))
        bench.first.clean_up()


def _bare(bench, count, number):
    at = bench.place.home(f"siblings/{number}")
    result = bench.generator.limit("growth", at=at, count=count)
    empty(at)
    return {"directories": count, "value": result["per_second"], "first_us": result["first_us"],
            "last_us": result["last_us"]}


def _ftpcd(bench, count):
    part = int(count * PART)
    holder = bench.generator.idle(bench.first, 0)
    try:
        first, middle, last = (order_with_cpu(bench.first, holder, "busy", 0, prefix, IN_FLIGHT, number)
                               for prefix, number in (("a", part), ("b", count - 2 * part), ("c", part)))
    finally:
        holder.close()
    return {"directories": count, "value": middle["value"], "first_us": first["server_cpu_us"],
            "last_us": last["server_cpu_us"], "first_per_second": first["value"], "last_per_second": last["value"]}
