"""The load balancer: hands each connection to the next backend that answers. balancer.py SETTINGS.json"""

import asyncio
import errno
import itertools
import json
import sys

with open(sys.argv[1]) as file:
    SETTINGS = json.load(file)

START = itertools.count()


async def connect():
    """A connection to the next backend; those that refuse are passed over."""
    backends = SETTINGS["backends"]
    first = next(START)
    for at in range(len(backends)):
        host, port = backends[(first + at) % len(backends)].rsplit(":", 1)
        try:
            return await asyncio.wait_for(asyncio.open_connection(host, int(port)), 2)
        except (OSError, asyncio.TimeoutError):
            continue
    return None


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def serve(reader, writer):
    try:
        backend = await connect()
        if backend is None:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        try:
            await asyncio.gather(copy(reader, backend[1]), copy(backend[0], writer))
        finally:
            backend[1].close()
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    try:
        server = await asyncio.start_server(serve, SETTINGS["address"], SETTINGS["port"])
    except OSError as error:
        # The address is that of a gateway in front of this node: listen on all of its own.
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        server = await asyncio.start_server(serve, "0.0.0.0", SETTINGS["port"])
    async with server:
        await server.serve_forever()


asyncio.run(main())
