"""A link with a long round trip on loopback: delays all bytes, and limits nothing else.

    delay_proxy.py TARGET_PORT ROUND_TRIP_MILLISECONDS      prints the port that it listens on

A client of a real link needs a round trip to connect, before it can send. Here it is connected at once, so that round trip
is put before the first byte in either direction instead.
"""
import asyncio
import sys

CHUNK = 1 << 18


async def forward(reader, writer, delay, not_before):
    """Writes each chunk `delay` after it was read, in order, while further chunks are read."""
    loop = asyncio.get_running_loop()
    waiting = asyncio.Queue()

    async def deliver():
        while True:
            due, chunk = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not chunk:
                writer.write_eof()
                return
            writer.write(chunk)
    delivery = asyncio.create_task(deliver())
    try:
        chunk = b"."
        while chunk:
            chunk = await reader.read(CHUNK)
            waiting.put_nowait((max(loop.time(), not_before) + delay, chunk))
        await delivery
    except (ConnectionError, OSError):
        pass
    finally:
        delivery.cancel()


async def relay(reader, writer, target, one_way):
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await asyncio.sleep(3 * one_way)  # SYN, SYN and ACK, ACK
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target, limit=CHUNK)
    try:
        await asyncio.gather(forward(reader, server_writer, one_way, begin + 2 * one_way),
                             forward(server_reader, writer, one_way, 0))
    finally:
        server_writer.close()
        writer.close()


async def serve(target, round_trip):
    async def on_connection(reader, writer):
        try:
            await relay(reader, writer, target, round_trip / 2)
        except (ConnectionError, OSError):
            writer.close()
    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, limit=CHUNK)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
