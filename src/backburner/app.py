"""Builds the house and runs it. `House` is everything but the HTTP door, so that `backburner run` is the same
thing without a server; `serve` puts the door in front and drains on SIGTERM."""

import asyncio
import logging
import random
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from backburner.api.auth import LOOPBACK
from backburner.api.server import application
from backburner.api.services import Services
from backburner.config import DEFAULT_RULES, EngineSettings, Settings, upstream_key
from backburner.core.clock import Clock, SystemClock
from backburner.core.errors import InvalidArgument
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.limits import DRAIN_S
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.engines.local.engine import LocalEngine
from backburner.engines.openai import OpenAIEngine
from backburner.engines.protocol import Engine
from backburner.engines.routes import ANY, Routes, Rule
from backburner.engines.simulated import SimulatedEngine
from backburner.engines.simulated_options import parse_simulated
from backburner.service.caches import CacheService
from backburner.service.files import FileService
from backburner.service.interactive import InteractiveService
from backburner.service.jobs import JobService
from backburner.service.keys import KeyService
from backburner.service.models import ModelService
from backburner.service.results import ResultService
from backburner.store.stores import Stores
from backburner.work.board import Board
from backburner.work.dispatch import Dispatcher
from backburner.work.intake import Intake
from backburner.work.janitor import Janitor
from backburner.work.publish import Publisher

log = logging.getLogger("backburner")

SIMULATED = "simulated"


class House:
    """All rooms below the doors, wired. `start`, then use the services, then `stop`."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        lanes: Lanes | None = None,
        engines: Iterable[Engine] | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.stores = Stores(Path(settings.data).expanduser())
        self.lanes = lanes or Lanes.real()
        built, rules = build_engines(settings, self.clock)
        self.routes = Routes(built if engines is None else engines, rules)
        self.dialects = {"gemini": GeminiDialect()}
        self.board = Board(self.clock, self.stores, self.lanes, self.dialects)
        self._publisher = Publisher(
            self.clock, self.stores, self.lanes, self.board, settings.result_retention_days * 86400
        )
        self.dispatcher = Dispatcher(
            self.clock,
            self.stores,
            self.lanes,
            self.board,
            self.routes,
            chance or random.Random(),
            self._publisher.submit,
        )
        self._janitor = Janitor(self.clock, self.stores, self.lanes, self.board)
        intake = Intake(self.clock, self.stores, self.lanes, self.board)
        self.keys = KeyService(self.clock, self.stores.keys, self.lanes)
        self.files = FileService(
            self.clock,
            self.stores,
            self.lanes,
            settings.file_retention_hours * 3600,
            settings.file_bytes_max,
        )
        self.jobs = JobService(
            self.clock, self.stores, self.lanes, self.board, intake, self.routes, self.files
        )
        self.results = ResultService(self.stores, self.lanes)
        self.caches = CacheService(self.clock, self.stores, self.lanes)
        self.models = ModelService(self.routes)
        self.interactive = InteractiveService(self.clock, self.stores, self.lanes, self.dispatcher)
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Sweeps up after a crash, takes every unended job up again, starts engines and loops."""
        await self.lanes.write.run(self._janitor.sweep)
        for job in await self.lanes.read.run(self._unfinished):
            self.jobs.resume(await self.board.open(job))
        for engine in self.routes.engines.values():
            await engine.start()
        loops: tuple[Callable[[], Awaitable[None]], ...] = (
            self.dispatcher.loop,
            self.dispatcher.committer.loop,
            self._publisher.loop,
            self._janitor.loop,
        )
        self._loops = [asyncio.ensure_future(self._guarded(loop)) for loop in loops]

    def _unfinished(self) -> list[Job]:
        return [*self.stores.jobs.unended(), *self.stores.jobs.unpublished()]

    async def _guarded(self, loop: Callable[[], Awaitable[None]]) -> None:
        """A loop that breaks is a bug: the house must not look alive without it."""
        try:
            await loop()
        except Exception as error:  # handed on to whoever waits for `broken`
            log.exception("event=loop_broken")
            if not self.broken.done():
                self.broken.set_exception(error)

    async def stop(self) -> None:
        """Drains: no new calls, those in flight get a few seconds, what has come is committed."""
        await self.dispatcher.stop()
        for task in self._loops:
            task.cancel()
        for task in self._loops:
            with suppress(asyncio.CancelledError):
                await task
        for engine in self.routes.engines.values():
            await engine.stop()
        self.lanes.close()
        self.stores.close()

    def services(self) -> Services:
        settings = self.settings
        return Services(
            clock=self.clock,
            dialects=self.dialects,
            jobs=self.jobs,
            results=self.results,
            files=self.files,
            caches=self.caches,
            models=self.models,
            interactive=self.interactive,
            keys=self.keys,
            public_url=settings.public_url,
            wire_states=settings.wire_states,
        )


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process by the signal after a clean stop."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(settings: Settings, ready: Callable[[str, House], None]) -> int:
    """Runs the server until SIGTERM or SIGINT; the exit code. `ready` is told the URL once it answers.

    Raises Refused for an address that may not be bound, an owned data folder, a wrong config.
    """
    listener = bound(settings.host, settings.port)
    house = House(settings)
    if settings.host not in LOOPBACK and not house.keys.required:
        await house.stop()
        raise InvalidArgument(
            f"without a key this server only listens on 127.0.0.1, not on {settings.host}. Make a key first: "
            "backburner keys create"
        )
    config = uvicorn.Config(
        application(house.services()),
        log_config=None,
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(DRAIN_S),
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    await house.start()
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    ready(f"http://{settings.host}:{listener.getsockname()[1]}", house)
    await asyncio.wait((serving, house.broken), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    await house.stop()
    return 1 if house.broken.done() and house.broken.exception() else 0


def bound(host: str, port: int) -> socket.socket:
    """A listening socket, so that the port is known and refused before anything else is started."""
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


def build_engines(settings: Settings, clock: Clock) -> tuple[list[Engine], list[Rule]]:
    """The engines of the config and the rules that map names to them. Raises InvalidArgument."""
    name = settings.engine.partition(":")[0]
    if name == SIMULATED and SIMULATED not in settings.engines:
        simulated = SimulatedEngine(SIMULATED, parse_simulated(settings.engine), clock)
        return [simulated], [Rule(ANY, SIMULATED, ANY)]
    configured = {"local": EngineSettings(kind="local"), **settings.engines}
    if settings.engine and settings.engine not in configured:
        known = ", ".join(sorted(configured))
        raise InvalidArgument(f"engine {settings.engine!r} is not configured. Known: {known}, simulated")
    rules = [_rule(pattern, target) for pattern, target in settings.models.items()]
    if settings.engine == "local" or not settings.engine:
        rules += [_rule(pattern, target) for pattern, target in DEFAULT_RULES]
    else:
        rules.append(Rule(ANY, settings.engine, ANY))
    for rule in rules:
        if rule.engine not in configured:
            raise InvalidArgument(
                f"models: {rule.pattern!r} is mapped to engine {rule.engine!r}, which is not in [engines]"
            )
    return [_engine(name, engine, settings, clock) for name, engine in configured.items()], rules


def _rule(pattern: str, target: str) -> Rule:
    engine, slash, model = target.partition("/")
    return Rule(pattern, engine, model if slash else ANY)


def _engine(name: str, engine: EngineSettings, settings: Settings, clock: Clock) -> Engine:
    if engine.kind == "local":
        return LocalEngine(
            Path(settings.models_dir).expanduser(),
            name=name,
            gguf_models={model: Path(path).expanduser() for model, path in engine.gguf.items()},
            clock=clock,
        )
    if engine.kind == "simulated":
        return SimulatedEngine(
            name,
            parse_simulated(f"{SIMULATED}:{engine.options}" if engine.options else SIMULATED),
            clock,
            engine.models,
        )
    if not engine.base_url:
        raise InvalidArgument(
            f"engines.{name}: an openai engine needs a base_url, for example http://127.0.0.1:8000/v1"
        )
    return OpenAIEngine(
        name,
        engine.base_url,
        clock,
        api_key=upstream_key(engine),
        kind=engine.server,
        models=engine.models,
        slots=engine.slots,
    )
