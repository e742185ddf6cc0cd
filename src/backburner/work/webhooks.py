"""Tells receivers that jobs have ended, until they have taken it or a day is over.

An event is made in the transaction that ends its job, so a crash loses none; it is sent once the results can be
read, and sent again after a crash in the middle: at least once, always under the same id. A receiver that hangs
holds up its own host only.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Sequence

import msgspec

from backburner.core.clock import Clock
from backburner.core.job import Job
from backburner.core.lanes import Lanes
from backburner.core.metrics import WEBHOOK_TRIES
from backburner.core.names import mint
from backburner.dialects.events import ENDINGS, event_of
from backburner.outbound.addresses import Forbidden, target_of
from backburner.outbound.standard_webhooks import headers, new_secret
from backburner.outbound.webhooks import Post
from backburner.policy.deliver import Again, after_try
from backburner.store.stores import Stores
from backburner.store.webhooks import TRIES_KEPT, Delivery, Try
from backburner.work.board import Board
from backburner.work.run import JobRun

log = logging.getLogger("backburner.work")

NAP_S = 30.0
AT_ONCE = 16
AT_ONE_HOST = 2
KEPT_S = 30 * 86400.0  # a delivery in the log
FORGET_EACH_S = 3600.0


class Hook(msgspec.Struct, frozen=True):
    """A webhook of the settings: told of the jobs of one tenant, or of all with "*"."""

    name: str
    url: str
    secret: str
    events: tuple[str, ...] = ENDINGS
    tenant: str = "*"


class WebhookLoop:
    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        board: Board,
        post: Post,
        chance: random.Random,
        hooks: Sequence[Hook] = (),
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._board = board
        self._post = post
        self._chance = chance
        self._hooks = {hook.name: hook for hook in hooks}
        self._flying: dict[str, asyncio.Task[None]] = {}  # by delivery
        self._hosts: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._forget_at = float("-inf")
        board.announced = self.events
        board.listeners.append(self._listen)

    def events(self, job: Job) -> list[Delivery]:
        """What is to be told of a job that ends."""
        now, found = self._clock.now(), list[Delivery]()
        receivers = [("", uri, ENDINGS) for uri in (job.webhook.uris if job.webhook is not None else ())]
        receivers += [
            (x.name, x.url, x.events) for x in self._hooks.values() if x.tenant in ("*", job.tenant)
        ]
        for hook, url, wanted in receivers:
            id_ = mint(24)
            event = event_of(job, id_, now)
            if event.ending in wanted:
                found.append(_delivery(job, hook, url, id_, event.type, event.body, now))
        return found

    def _listen(self, run: JobRun) -> None:
        if run.retired.is_set():
            self._wake.set()

    async def loop(self) -> None:
        try:
            while True:
                self._wake.clear()
                await self._round()
                await self._nap()
        finally:
            for task in self._flying.values():
                task.cancel()
            await asyncio.gather(*self._flying.values(), return_exceptions=True)
            await self._post.close()

    async def _round(self) -> None:
        now = self._clock.now()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EACH_S
            await self._lanes.write.run(self._stores.webhooks.forget, now - KEPT_S)
        while len(self._flying) < AT_ONCE:
            before = set(self._flying)  # what is read of one that lands meanwhile is stale
            busy = [host for host, count in self._hosts.items() if count >= AT_ONE_HOST]
            unread = [run.job.id for run in self._board.runs.values() if _unread(run)]
            due = await self._lanes.read.run(self._stores.webhooks.due, now, 2 * AT_ONCE, busy, unread)
            started = sum(self._started(one) for one in due if one.id not in before)
            if not started:
                return

    def _started(self, one: Delivery) -> bool:
        if len(self._flying) >= AT_ONCE or self._hosts.get(one.host, 0) >= AT_ONE_HOST:
            return False
        self._hosts[one.host] += 1
        task = self._flying[one.id] = asyncio.create_task(self._deliver(one))
        task.add_done_callback(lambda _: self._landed(one))
        return True

    def _landed(self, one: Delivery) -> None:
        del self._flying[one.id]
        self._hosts[one.host] -= 1
        if not self._hosts[one.host]:
            del self._hosts[one.host]
        self._wake.set()

    async def _nap(self) -> None:
        nap_s = NAP_S
        next_at = await self._lanes.read.run(self._stores.webhooks.next_due_at)
        if next_at is not None and not self._flying:
            nap_s = min(NAP_S, max(1.0, next_at - self._clock.now()))
        waker = asyncio.ensure_future(self._wake.wait())
        sleeper = asyncio.ensure_future(self._clock.sleep(nap_s))
        try:
            await asyncio.wait((waker, sleeper), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waker.cancel()
            sleeper.cancel()

    async def _deliver(self, one: Delivery) -> None:
        try:
            await self._try(one)
        except Exception:  # the edge of a task that nobody waits for: a full disk, say. It is due again
            log.exception("event=webhook_broken delivery=%s", one.id)
            await self._clock.sleep(NAP_S)

    async def _try(self, one: Delivery) -> None:
        at = self._clock.now()
        posted = None
        if secrets := await self._secrets(one):
            posted = await self._post(one.url, one.body, headers(secrets, one.id, at, one.body))
        status, why = (
            (posted.status, posted.why) if posted else (None, "the webhook is not configured any more")
        )
        tries = (*one.tries, Try(at, status, why))
        now = self._clock.now()
        asked_s = posted.retry_after_s if posted else None
        step = after_try(status, len(tries), now - one.created_at, self._chance.random(), asked_s)
        one = msgspec.structs.replace(one, tries=tries[-TRIES_KEPT:])
        if isinstance(step, Again):
            one = msgspec.structs.replace(one, due_at=now + step.wait_s)
        else:
            one = msgspec.structs.replace(one, due_at=None, taken=step.taken, why=step.why)
        await self._lanes.write.run(self._stores.webhooks.update, one)
        outcome = "taken" if one.taken else "again" if one.due_at is not None else "given_up"
        self._board.metrics.add(WEBHOOK_TRIES, (outcome,))
        log.info(
            "event=webhook_tried delivery=%s job=%s tenant=%s type=%s host=%s try=%d status=%s outcome=%s",
            *(one.id, one.job, one.tenant, one.type, one.host, len(tries), status or "none"),
            outcome,
        )

    async def _secrets(self, one: Delivery) -> list[str]:
        if one.hook:
            hook = self._hooks.get(one.hook)
            return [hook.secret] if hook is not None else []
        first = self._stores.webhooks.first_secret
        return await self._lanes.write.run(first, one.tenant, new_secret(), self._clock.now())


def _unread(run: JobRun) -> bool:
    """It ends, or has ended, and its results are not published yet."""
    return run.job.ended or run.changing.locked()


def _delivery(job: Job, hook: str, url: str, id_: str, kind: str, body: bytes, now: float) -> Delivery:
    try:
        host = target_of(url).host
    except Forbidden:  # taken by an older version: its tries will say so
        host = ""
    return Delivery(
        id=id_,
        tenant=job.tenant,
        job=job.id,
        type=kind,
        url=url,
        host=host,
        hook=hook,
        created_at=now,
        due_at=now,
        body=body,
    )
