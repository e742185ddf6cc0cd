"""The server: the house with its HTTP door in front, from the first answer to a clean end on SIGTERM."""

import asyncio
import gc
import resource
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from backburner.api.auth import LOOPBACK
from backburner.api.server import application
from backburner.config import Settings
from backburner.console.routes import routes as console_routes
from backburner.core.errors import InvalidArgument
from backburner.core.limits import DRAIN_S
from backburner.house import House

GARBAGE_AFTER = 50_000  # objects made and not gone again


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process by the signal after a clean stop."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(settings: Settings, ready: Callable[[str, House], None]) -> int:
    """Runs the server until SIGTERM or SIGINT; the exit code. `ready` is told the URL once it answers.

    Raises Refused for an address that may not be bound, an owned data folder, a wrong config.
    """
    allow_open_files()
    listener = bound(settings.host, settings.port)
    house = House(settings)
    if settings.host not in LOOPBACK and not house.keys.required:
        await house.stop()
        raise InvalidArgument(
            f"without a key this server only listens on 127.0.0.1, not on {settings.host}. Make a key first: "
            "backburner keys create"
        )
    services = house.services()
    config = uvicorn.Config(
        application(services, console_routes(services)),
        log_config=None,
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(DRAIN_S),
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()

    def leave() -> None:
        server.should_exit = True
        house.leave()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    await house.start()
    settle_memory()
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    ready(f"http://{settings.host}:{listener.getsockname()[1]}", house)
    await asyncio.wait((serving, house.broken), return_when=asyncio.FIRST_COMPLETED)
    leave()
    await serving
    await house.stop()
    return 1 if house.broken.done() and house.broken.exception() else 0


def settle_memory() -> None:
    """What is there when the server has started stays: nobody need look through it for garbage again and again. With
    the larger threshold that is a seventh of the loop's time (docs/performance.md)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 20, 20)


def allow_open_files() -> None:
    """As many as the machine lets us have: connections, and the ledgers of many jobs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def bound(host: str, port: int) -> socket.socket:
    """A listening socket, so that the port is known and refused before anything else is started."""
    if not 0 <= port <= 65535:
        raise InvalidArgument(f"there is no port {port}; take one from 1 to 65535, or 0 for a free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InvalidArgument(
            f"cannot listen on {host}:{port}: {error.strerror}. Take another with --port, or 0 for a free one"
        ) from None
    listener.listen(2048)
    return listener
