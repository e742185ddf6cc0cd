"""Calls that a person waits for: the same translation and the same engines as a batch, but at once.

They count in the pace of their lane like the calls of jobs, and go first (work/slots.py). A flex call waits for a
slot at batch priority and is then answered like any other. Neither is durable.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from backburner.core.clock import Clock
from backburner.core.errors import (
    Code,
    Exhausted,
    InvalidArgument,
    PermissionDenied,
    Refused,
    Unavailable,
    Unsupported,
)
from backburner.core.exchange import Answer, Call, Delta, Json, Trouble, TroubleKind, unsupported
from backburner.core.job import JobKind
from backburner.core.lanes import Lanes
from backburner.core.limits import CALL_DEADLINE_S
from backburner.core.request import Usage
from backburner.dialects.protocol import Refusal, Setting
from backburner.engines.routes import Route
from backburner.service.keys import Asker
from backburner.service.quotas import QuotaService
from backburner.store.stores import Stores
from backburner.work import media
from backburner.work.calls import lacking
from backburner.work.metering import Metering
from backburner.work.slots import Slots

_REFUSALS: dict[Code, type[Refused]] = {
    Code.NOT_FOUND: PermissionDenied,  # cached content that is gone; the real service says 403 (contract 4)
    Code.RESOURCE_EXHAUSTED: Exhausted,
    Code.UNAVAILABLE: Unavailable,
}


class InteractiveService:
    def __init__(
        self,
        clock: Clock,
        stores: Stores,
        lanes: Lanes,
        slots: Slots,
        quotas: QuotaService,
        metering: Metering,
    ) -> None:
        self._clock = clock
        self._stores = stores
        self._lanes = lanes
        self._slots = slots
        self._quotas = quotas
        self._metering = metering

    async def prepare(
        self, tenant: str, translate: Callable[[Setting], Call | Refusal], kind: JobKind, route: Route
    ) -> Call:
        """The engine call for one request; `translate` is the dialect's. Raises InvalidArgument, Unsupported,
        NotFound, Exhausted for a tenant over its quota."""
        self._quotas.call(tenant)

        def cached(name: str) -> dict[str, Json] | None:
            row = self._stores.caches.get(tenant, name.removeprefix("cachedContents/"))
            return row.body if row is not None and row.expire_at > self._clock.now() else None

        call = translate(Setting(kind=kind, model=route.model, cached=cached))
        if isinstance(call, Refusal):
            raise _REFUSALS.get(call.code, InvalidArgument)(call.message)
        if missing := unsupported(call.needs, route.capabilities):
            raise Unsupported(lacking(missing, route))
        return await media.fill(call, lambda file: self._blob(tenant, file), self._stores, self._lanes)

    def _blob(self, tenant: str, file: str) -> str | None:
        row = self._stores.files.get(tenant, file)
        return row.blob if row is not None and row.expire_at > self._clock.now() else None

    async def call(self, asker: Asker, route: Route, call: Call, *, flex: bool = False) -> Answer:
        """Raises Refused for every trouble, in words and with the delay that the engine asked for."""
        seat = await self._slots.enter(route, flex=flex)
        try:
            result = await route.engine.call(call, CALL_DEADLINE_S)
        except BaseException:  # the caller hung up: the slot must come back
            seat.leave(None, whole=False)
            raise
        seat.leave(result if isinstance(result, Trouble) else None, whole=True)
        if isinstance(result, Answer):
            self._count(asker, route, result.usage, batch=flex)
        return answer_of(result)

    def _count(self, asker: Asker, route: Route, usage: Usage, *, batch: bool = False) -> None:
        self._metering.add(asker.tenant, asker.key, route.lane, usage, 1, batch=batch)

    async def stream(self, asker: Asker, route: Route, call: Call) -> AsyncIterator[Delta]:
        """Raises Refused, also in the middle. The slot is taken until the end, or until the caller hangs up."""
        seat, trouble, whole = await self._slots.enter(route), None, False
        pieces = route.engine.stream(call, CALL_DEADLINE_S)
        try:
            async for piece in pieces:
                if isinstance(piece, Trouble):
                    trouble = piece
                    raise refusal_of(piece)
                if piece.usage is not None:
                    self._count(asker, route, piece.usage)
                yield piece
            whole = True
        finally:
            seat.leave(trouble, whole=whole)
            if isinstance(pieces, AsyncGenerator):  # the engine's call ends now, not when memory is tidied up
                await pieces.aclose()

    async def count_tokens(self, route: Route, call: Call) -> int:
        counted = await route.engine.count_tokens(route.model, call.body)
        if isinstance(counted, Trouble):
            raise refusal_of(counted)
        return counted


def answer_of(result: Answer | Trouble) -> Answer:
    if isinstance(result, Trouble):
        raise refusal_of(result)
    return result


def refusal_of(trouble: Trouble) -> Refused:
    """What an interactive caller is told of trouble with an engine."""
    if trouble.kind is TroubleKind.REQUEST:
        return InvalidArgument(trouble.message, reason="ENGINE_REFUSED")
    if trouble.kind is TroubleKind.BUSY and (trouble.status or trouble.retry_after_s is not None):
        return Exhausted(trouble.message, retry_after_s=trouble.retry_after_s)
    return Unavailable(trouble.message, reason=f"ENGINE_{trouble.kind.upper()}")
