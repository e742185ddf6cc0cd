"""One request, one call: from the caller's line to an outcome or to trouble."""

import logging
from collections.abc import Callable

import msgspec

from backburner.core.clock import Clock
from backburner.core.errors import Code, Refused
from backburner.core.exchange import Answer, Feature, Json, Trouble, unsupported
from backburner.core.lanes import Lanes
from backburner.core.limits import CALL_DEADLINE_S
from backburner.core.request import FROM_CACHE, Outcome, OutcomeKind
from backburner.dialects.protocol import Refusal, Setting, Stamp
from backburner.engines.routes import Route
from backburner.policy.duplicates import complete
from backburner.store.stores import Stores
from backburner.work import media
from backburner.work.answers import AnswerCache
from backburner.work.run import JobRun
from backburner.work.window import Ready

log = logging.getLogger("backburner.work")


def lacking(features: list[Feature], route: Route) -> str:
    """The words for a feature that the engine serving a model does not have."""
    names = ", ".join(features)
    return (
        f"the engine {route.engine.name!r} (model {route.model}) cannot do this: {names}. "
        "Leave it out of the request, or map the model to an engine that can (docs/configuration.md)"
    )


class Caller:
    def __init__(self, clock: Clock, stores: Stores, lanes: Lanes, answers: AnswerCache) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._answers = answers

    async def make(self, run: JobRun, request: Ready, route: Route) -> Outcome | Trouble:
        stamp = Stamp(run.job.id, request.ordinal, request.key, self._clock.now())
        try:
            outcome = await self._make(run, request, route, stamp)
        except Refused as refused:
            outcome = run.dialect.failed(refused.code, refused.message, stamp)
        except Exception:  # the worker's edge: a bug costs one request, said aloud, and not the job
            log.exception("event=request_broken job=%s ordinal=%d", run.job.id, request.ordinal)
            words = "Backburner met a bug of its own with this request; the server's log has the details"
            outcome = run.dialect.failed(Code.INTERNAL, words, stamp)
        if isinstance(outcome, Trouble):
            return outcome
        return msgspec.structs.replace(outcome, at=self._clock.now())

    async def _make(self, run: JobRun, request: Ready, route: Route, stamp: Stamp) -> Outcome | Trouble:
        setting = Setting(kind=run.job.kind, model=route.model, cached=self._cached(run.job.tenant))
        call = run.dialect.to_call(request.line, setting)
        if isinstance(call, Refusal):
            return run.dialect.failed(call.code, call.message, stamp)
        if missing := unsupported(call.needs, route.capabilities):
            return run.dialect.failed(Code.INVALID_ARGUMENT, lacking(missing, route), stamp)
        call = msgspec.structs.replace(call, tag=f"{run.job.id}/{request.ordinal}")
        if call.media:
            job = run.job.id
            call = await media.fill(
                call, lambda file: self._stores.jobs.pinned_blob(job, file), self._stores, self._lanes
            )
        key = self._answers.key(run, route, call)
        kept = await self._answers.find(key) if key else None
        result = kept or await route.engine.call(call, CALL_DEADLINE_S)
        if not isinstance(result, Answer):
            return result
        outcome = run.dialect.answered(request.line, result, stamp)
        if outcome.kind is not OutcomeKind.ANSWER:
            return outcome
        if kept is not None:
            return msgspec.structs.replace(outcome, reusable=True, reused_from=FROM_CACHE)
        if not key and not run.ledger.followers.leads(request.ordinal):
            return outcome
        whole = complete(call.body, result.body)
        keep = (key, msgspec.json.encode(result)) if key and whole else None
        return msgspec.structs.replace(outcome, reusable=whole, kept=keep)

    def _cached(self, tenant: str) -> Callable[[str], dict[str, Json] | None]:
        def find(name: str) -> dict[str, Json] | None:
            row = self._stores.caches.get(tenant, name.removeprefix("cachedContents/"))
            return row.body if row is not None else None

        return find
