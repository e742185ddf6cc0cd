"""Runs a double that lives in an event loop in a thread of its own, for tests that do not run a loop."""

import asyncio
import contextlib
import threading
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

T = TypeVar("T", bound=AbstractAsyncContextManager[object])


@contextlib.contextmanager
def in_thread(double: T) -> Generator[T]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(double.__aenter__(), loop).result(10)
    try:
        yield double
    finally:
        asyncio.run_coroutine_threadsafe(double.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
