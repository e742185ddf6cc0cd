"""The answer cache: a determined request that a tenant asked before is not asked again, in whatever job it comes.

Only for tenants that opted in, and never across tenants, engines, their revisions or models. What is compared is the
call as the engine gets it, so a request counts as the same whatever dialect it was written in, and files and cached
contents count by what is in them.
"""

import hashlib
from collections.abc import Callable, Iterable

import msgspec

from backburner.core.clock import Clock
from backburner.core.exchange import Answer, Call
from backburner.core.lanes import Lanes
from backburner.core.request import Outcome
from backburner.engines.routes import Route
from backburner.policy.duplicates import determined
from backburner.store.stores import Stores
from backburner.work.run import JobRun


class AnswerCache:
    """`opted_in` says for a tenant whether it wants this. `most_bytes` and `most_age_s` bound all of it."""

    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        opted_in: Callable[[str], bool],
        most_bytes: int,
        most_age_s: float,
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._opted_in = opted_in
        self._most_bytes = most_bytes
        self._most_age_s = most_age_s

    def key(self, run: JobRun, route: Route, call: Call) -> bytes:
        """What the answer to a call is kept under; empty where it is not kept."""
        job = run.job
        wanted = job.reuse_duplicates and self._opted_in(job.tenant)
        if not wanted or not determined(call.kind, call.body):
            return b""
        revision = route.engine.revision(route.model)
        whole = (job.tenant, route.engine.name, revision, route.model, call.kind, call.body)
        return hashlib.blake2b(msgspec.json.encode(whole, order="sorted"), digest_size=32).digest()

    async def find(self, key: bytes) -> Answer | None:
        since_at = self._clock.now() - self._most_age_s
        found = await self._lanes.read.run(self._stores.answers.find, key, since_at)
        return msgspec.json.decode(found, type=Answer) if found is not None else None

    async def keep(self, job: str, outcomes: Iterable[Outcome]) -> None:
        """After their commit."""
        kept = [outcome.kept for outcome in outcomes if outcome.kept is not None]
        await self._lanes.write.run(self._add, job, kept)

    def _add(self, job: str, kept: list[tuple[bytes, bytes]]) -> None:
        if self._stores.ledgers.exists(job):  # else it was deleted meanwhile, and all of it with it
            self._stores.answers.add(job, kept, self._clock.now(), self._most_bytes)

    def expire(self) -> int:
        """On the writer lane: drops what is too old, and says how many that were."""
        return self._stores.answers.expire(self._clock.now() - self._most_age_s)
