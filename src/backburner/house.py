"""The house: all rooms below the doors, built and wired. `backburner run` uses it without a server."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

from backburner.api.services import Services
from backburner.config import Settings
from backburner.core.clock import Clock, SystemClock
from backburner.core.errors import DiskFull
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.limits import MIB
from backburner.dialects.anthropic.dialect import AnthropicDialect
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.openai.dialect import OpenAIDialect
from backburner.dialects.protocol import Dialect
from backburner.engine_room import build_routes
from backburner.engines.protocol import Engine
from backburner.outbound.addresses import Resolve
from backburner.outbound.webhooks import Post, WebhookPost
from backburner.policy.price import Prices
from backburner.policy.share import Shares
from backburner.service.audit import AuditService
from backburner.service.caches import CacheService
from backburner.service.companions import Companions
from backburner.service.engines import EngineService
from backburner.service.estimate import EstimateService
from backburner.service.files import FileService
from backburner.service.follow import FollowService
from backburner.service.foresight import Foresight
from backburner.service.health import HealthService
from backburner.service.interactive import InteractiveService
from backburner.service.jobs import JobService
from backburner.service.keys import KeyService
from backburner.service.listing import Listing
from backburner.service.metrics import MetricsService
from backburner.service.models import ModelService
from backburner.service.output import OutputService
from backburner.service.progress import ProgressService
from backburner.service.quotas import QuotaService
from backburner.service.requests import RequestService
from backburner.service.results import ResultService
from backburner.service.retries import RetryService
from backburner.service.waiting import Waiting
from backburner.service.webhooks import WebhookService
from backburner.store.stores import Stores
from backburner.webhook_room import hooks_of, open_networks
from backburner.work.allowance import Allowance
from backburner.work.answers import AnswerCache
from backburner.work.board import Board
from backburner.work.dispatch import Dispatcher
from backburner.work.follow import Followers
from backburner.work.intake import Intake
from backburner.work.janitor import Janitor
from backburner.work.metering import Metering
from backburner.work.publish import Publisher
from backburner.work.slots import Slots
from backburner.work.space import Space
from backburner.work.webhooks import WebhookLoop

log = logging.getLogger("backburner")

PUBLISHERS = 2  # so that a small job need not wait until the results of a large one are written


class House:
    """`start`, then use the services, then `stop`. `broken` ends with the error of a loop that met a bug."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        lanes: Lanes | None = None,
        engines: Iterable[Engine] | None = None,
        chance: random.Random | None = None,
        post: Post | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self.settings = settings
        self._resolve = resolve
        self.clock = clock or SystemClock()
        self.stores = Stores(Path(settings.data).expanduser())
        self.space = Space(self.clock, self.stores.disk, settings.disk_reserve_mb * MIB)
        lanes = lanes or Lanes.real()
        self.lanes = self.space.telling(lanes)
        patient = self.space.patient(lanes)  # for the loops, which wait for room where a caller is told
        self.routes = build_routes(settings, self.clock, engines)
        dialects: tuple[Dialect, ...] = (GeminiDialect(), AnthropicDialect(), OpenAIDialect())
        self.dialects = {dialect.name: dialect for dialect in dialects}
        self.board = Board(self.clock, self.stores, patient, self.dialects)
        self._publisher = Publisher(
            self.clock, self.stores, patient, self.board, self.space, settings.result_retention_days * 86400
        )
        self._open_loops(patient, chance or random.Random(), post)
        self._open_services()
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loops: list[asyncio.Task[None]] = []

    def _open_loops(self, lanes: Lanes, chance: random.Random, post: Post | None) -> None:
        """What goes on by itself."""
        settings = self.settings
        self.slots = Slots(self.clock, self.board)
        self.shares = Shares(lambda tenant: settings.tenant(tenant).weight)
        answers = self._answer_cache(lanes)
        self.prices = Prices(settings.prices)
        self.metering = Metering(self.clock, self.stores, self.lanes, self.prices)
        allowance = Allowance(self.clock, self.board, self.metering, settings.tenant)
        self.dispatcher = Dispatcher(
            self.clock,
            self.stores,
            lanes,
            self.board,
            self.routes,
            self.slots,
            self.shares,
            chance,
            self.space,
            answers,
            allowance,
            self._publisher.submit,
        )
        trouble_s = settings.operator_trouble_hours * 3600
        kept_s = settings.job_retention_days * 86400
        below = (self.clock, self.stores, lanes, self.board)
        self._janitor = Janitor(*below, self.slots, answers, trouble_s, kept_s)
        self.followers = Followers(*below)
        self.webhook_loop = WebhookLoop(
            self.clock,
            self.stores,
            lanes,
            self.board,
            post or WebhookPost(self.clock, open_networks(settings), self._resolve),
            chance,
            hooks_of(settings),
        )

    def _answer_cache(self, lanes: Lanes) -> AnswerCache:
        settings = self.settings
        return AnswerCache(
            self.clock,
            self.stores,
            lanes,
            lambda tenant: settings.tenant(tenant).answer_cache,
            settings.answer_cache_mb * MIB,
            settings.answer_cache_days * 86400,
        )

    def _open_services(self) -> None:
        """What the doors call."""
        settings = self.settings
        self.quotas = QuotaService(
            self.clock, self.stores, self.lanes, self.board, self.metering, settings.tenant
        )
        intake = Intake(self.clock, self.stores, self.lanes, self.board, self.space, self.quotas.room)
        self.keys = KeyService(self.clock, self.stores.keys, self.lanes)
        self.files = FileService(
            self.clock,
            self.stores,
            self.lanes,
            settings.file_retention_hours * 3600,
            settings.file_bytes_max,
            self.quotas,
            self.space,
        )
        companions = Companions(self.stores, self.lanes, self.board, open_networks(settings), self._resolve)
        self.metric_values = MetricsService(
            self.clock, self.stores, self.lanes, self.board, self.routes, self.slots, self.space
        )
        self.health = HealthService(self.clock, self.stores, self.lanes, self.routes, self._stopped)
        self.audit = AuditService(self.clock, self.stores, self.lanes, settings.audit_retention_days * 86400)
        self.webhooks = WebhookService(self.clock, self.stores, self.lanes)
        self.jobs = JobService(
            self.clock,
            self.stores,
            self.lanes,
            self.board,
            self.space,
            intake,
            self.routes,
            self.files,
            self.quotas,
            companions,
            reuse_duplicates=settings.reuse_duplicates,
        )
        self.retries = RetryService(self.stores, self.lanes, self.files, self.jobs)
        self.listing = Listing(self.stores, self.lanes, self.board)
        self.results = ResultService(self.stores, self.lanes)
        self.output = OutputService(self.stores, self.lanes)
        self.follow = FollowService(self.clock, self.board, self.jobs, self.results)
        self.requests = RequestService(self.stores, self.lanes)
        waiting = Waiting(self.clock, self.board, self.routes, self.slots, self.space)
        self.progress = ProgressService(self.clock, self.stores, self.lanes, self.board, self.jobs, waiting)
        self._foresight = Foresight(self.clock, self.board, self.progress)
        self.caches = CacheService(self.clock, self.stores, self.lanes, self.space)
        self.models = ModelService(self.routes, self.slots)
        self.engines = EngineService(self.clock, self.routes, self.board, self.slots, self.keys)
        self.estimates = EstimateService(
            self.stores, self.lanes, self.routes, self.files, self.dialects, self.prices
        )
        self.interactive = InteractiveService(
            self.clock, self.stores, self.lanes, self.slots, self.quotas, self.metering
        )

    async def start(self) -> None:
        """Sweeps up after a crash, takes every unended job up again, starts engines and loops."""
        await self.lanes.write.run(self._janitor.sweep)
        await self.metering.start()
        self.slots.recall(await self.lanes.read.run(self.stores.paces.all))
        for job in await self.lanes.read.run(self._unfinished):
            self.jobs.resume(await self.board.open(job))
        await self.board.settle()  # what jobs waited for may have ended just before a crash
        for engine in self.routes.engines.values():
            await engine.start()
        loops: tuple[Callable[[], Awaitable[None]], ...] = (
            self.dispatcher.loop,
            self.dispatcher.committer.loop,
            *[self._publisher.loop] * PUBLISHERS,
            self._janitor.loop,
            self.progress.loop,
            self.metering.loop,
            self.webhook_loop.loop,
            self._foresight.loop,
            self.audit.loop,
        )
        self._loops = [asyncio.ensure_future(self._guarded(loop)) for loop in loops]

    def _unfinished(self) -> list[Job]:
        return [*self.stores.jobs.unended(), *self.stores.jobs.unpublished()]

    async def _guarded(self, loop: Callable[[], Awaitable[None]]) -> None:
        """A loop that breaks is a bug: the house must not look alive without it."""
        try:
            await loop()
        except DiskFull as error:  # it waited for room, and the house stops
            log.warning("event=loop_stopped reason=%s", error.message)
        except Exception as error:  # handed on to whoever waits for `broken`
            log.exception("event=loop_broken")
            if not self.broken.done():
                self.broken.set_exception(error)

    def _stopped(self) -> str:
        if self.progress.leaving:
            return "the server is about to stop"
        return "" if self._loops and not any(loop.done() for loop in self._loops) else "a loop does not run"

    def leave(self) -> None:
        """The server is about to stop: streams that would go on end now, so that nobody waits for them."""
        self.progress.leaving = self.follow.leaving = True

    async def stop(self) -> None:
        """Drains: no new calls, those in flight get a few seconds, what has come is committed."""
        self.space.leave()
        await self.jobs.stop()
        await self.dispatcher.stop()
        for task in self._loops:
            task.cancel()
        for task in self._loops:
            with suppress(asyncio.CancelledError):
                await task
        await self.board.settle()
        for last in (self.metering.flush, self._janitor.remember, self.audit.flush):
            with suppress(DiskFull):
                await last()
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
            retries=self.retries,
            listing=self.listing,
            progress=self.progress,
            results=self.results,
            output=self.output,
            follow=self.follow,
            requests=self.requests,
            files=self.files,
            estimates=self.estimates,
            caches=self.caches,
            models=self.models,
            engines=self.engines,
            interactive=self.interactive,
            keys=self.keys,
            webhooks=self.webhooks,
            space=self.space,
            metric_values=self.metric_values,
            health=self.health,
            audit=self.audit,
            metrics=settings.metrics,
            metrics_token=settings.metrics_token,
            public_url=settings.public_url,
            currency=settings.currency,
            message_batch_bytes=settings.anthropic_batch_bytes_max,
            message_batch_requests=settings.anthropic_batch_requests_max,
            wire_states=settings.wire_states,
        )
