"""Calls a server as fast as it can and throws the answers away: what any client could reach at most.

    python -m bench.bare_loop aiohttp|pycurl PORT COUNT AT_ONCE

Prints requests per second.
"""

import asyncio
import json
import sys
import time
from io import BytesIO


def body(number: int) -> bytes:
    asked = {"model": "m", "messages": [{"role": "user", "content": f"echo {number}"}]}
    return json.dumps(asked, separators=(",", ":")).encode()


async def aiohttp_loop(url: str, count: int, at_once: int) -> None:
    import aiohttp

    numbers = iter(range(count))
    kind = {"content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

        async def worker() -> None:
            for number in numbers:
                async with session.post(url, data=body(number), headers=kind) as reply:
                    await reply.read()

        await asyncio.gather(*(worker() for _ in range(at_once)))


def pycurl_loop(url: str, count: int, at_once: int) -> None:
    import pycurl

    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, at_once)
    numbers = iter(range(count))
    running = 0

    def start(handle: pycurl.Curl) -> int:
        number = next(numbers, None)
        if number is None:
            return 0
        handle.setopt(pycurl.POSTFIELDS, body(number))
        handle.setopt(pycurl.WRITEDATA, BytesIO())
        multi.add_handle(handle)
        return 1

    for _ in range(at_once):
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, url)
        handle.setopt(pycurl.HTTPHEADER, ["content-type: application/json"])
        handle.setopt(pycurl.POST, 1)
        running += start(handle)
    while running:
        multi.perform()
        left = 1
        while left:
            left, good, bad = multi.info_read()
            assert not bad, bad
            for handle in good:
                multi.remove_handle(handle)
                running += start(handle) - 1
        if running:
            multi.select(0.1)


def main() -> None:
    client, port, count, at_once = sys.argv[1], *map(int, sys.argv[2:5])
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    begun = time.perf_counter()
    if client == "aiohttp":
        import uvloop

        uvloop.run(aiohttp_loop(url, count, at_once))
    else:
        pycurl_loop(url, count, at_once)
    print(count / (time.perf_counter() - begun))


if __name__ == "__main__":
    main()
