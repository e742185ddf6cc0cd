"""An engine that goes wrong in every way that one can, by a seed, and remembers every call.

A wrapper around the real simulated engine. What becomes of a try is drawn from the seed, the request and how often
it was tried, so that it is the same in any order of calls. Words in a prompt make trouble that stays:

    poison   kills its model's process, with all that is in flight there, each time
    refused  is refused as the request's own fault
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

import msgspec

from backburner.core.exchange import Answer, Call, Capabilities, Delta, Json, Trouble, TroubleKind
from backburner.engines.protocol import Engine, EngineStatus, Health, ModelInfo
from backburner.engines.simulated_answers import last_user_text
from tests.sim.lives import LIFE, LivesLoop

RESTART_S = 1.3  # an engine that died is back after this
HANG_UP_S = 0.5  # how long one may take to let go of a call that was cancelled


class Rates(msgspec.Struct, frozen=True):
    """How often a try goes wrong in which way, each from 0 to 1. `storms` are stretches of time (from, to, kind)
    in which every try meets that trouble."""

    hang: float = 0.0
    slow: float = 0.0
    busy: float = 0.0
    busy_for: float = 0.0  # with a Retry-After
    error: float = 0.0
    cut: float = 0.0
    garbage: float = 0.0
    empty: float = 0.0
    death: float = 0.0
    clinging: float = 0.0  # lets go slowly when it is cancelled
    storms: tuple[tuple[float, float, str], ...] = ()


CALM = Rates()


@dataclass(eq=False)
class Made:
    """A call that was made. `job` and `ordinal` are empty and -1 for one that a person waits for. `ended` is "answer",
    a kind of trouble, "cut" when our side let go of it, "killed" when the service died, empty while it runs."""

    engine: str
    model: str
    job: str
    ordinal: int
    text: str
    life: int
    started_at: float
    ended: str = ""
    ended_at: float = 0.0
    said: str | None = None
    retry_after_s: float | None = None
    killer: bool = False
    died: "asyncio.Future[None] | None" = field(default=None, repr=False)


class FaultyEngine:
    """`inner` is replaced with each life of the service. `on_call` is told of a call when it
    begins, `on_end` when it ends."""

    def __init__(self, name: str, seed: int, now: Callable[[], float], rates: Rates, slots: int) -> None:
        self.name = name
        self.slots = slots
        self.rates = rates
        self.inner: Engine | None = None
        self.calls: list[Made] = []
        self.in_flight: dict[Made, None] = {}
        self.on_call: list[Callable[[Made], None]] = []
        self.on_end: list[Callable[[Made], None]] = []
        self.by_text: defaultdict[str, list[Made]] = defaultdict(list)
        self._seed = seed
        self._now = now
        self._tries: Counter[str] = Counter()
        self._down_until: dict[str, float] = {}

    @property
    def _engine(self) -> Engine:
        assert self.inner is not None
        return self.inner

    async def start(self) -> None:
        await self._engine.start()

    async def stop(self) -> None:
        await self._engine.stop()

    def status(self) -> EngineStatus:
        return EngineStatus(Health.UP)

    def revision(self, model: str) -> str:
        return self._engine.revision(model)

    def models(self) -> list[ModelInfo]:
        return self._engine.models()

    def capabilities(self, model: str) -> Capabilities | None:
        found = self._engine.capabilities(model)
        return found and msgspec.structs.replace(found, slots=self.slots)

    async def count_tokens(self, model: str, body: dict[str, Json]) -> int | Trouble:
        return await self._engine.count_tokens(model, body)

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        if LIFE.get() in cast(LivesLoop, asyncio.get_running_loop()).dead:
            await asyncio.Event().wait()  # killed this very moment: nothing reaches us any more
        made = self._begin(call)
        try:
            result = await self._fate(made, call, deadline_s)
        except asyncio.CancelledError:
            if self._draw(made, "clinging") < self.rates.clinging:
                await asyncio.sleep(HANG_UP_S)
            self._end(made, "cut")
            raise
        if isinstance(result, Answer):
            made.said = _said(result)
            self._end(made, "answer")
        else:
            made.retry_after_s = result.retry_after_s
            self._end(made, result.kind)
        return result

    async def stream(self, call: Call, deadline_s: float) -> AsyncIterator[Delta | Trouble]:
        async for piece in self._engine.stream(call, deadline_s):
            yield piece

    def service_died(self) -> None:
        """Nobody hears any more what comes of the calls in flight."""
        for made in list(self.in_flight):
            self._end(made, "killed")

    # -- a call

    def _begin(self, call: Call) -> Made:
        job, _, ordinal = call.tag.partition("/")
        made = Made(
            self.name,
            call.model,
            job,
            int(ordinal) if ordinal else -1,
            last_user_text(call.body),
            LIFE.get(),
            self._now(),
            died=asyncio.get_running_loop().create_future(),
        )
        self._tries[made.text] += 1
        self.calls.append(made)
        self.by_text[made.text].append(made)
        self.in_flight[made] = None
        for told in self.on_call:
            told(made)
        return made

    def _end(self, made: Made, how: str) -> None:
        if made in self.in_flight:
            del self.in_flight[made]
            made.ended, made.ended_at = how, self._now()
            for told in self.on_end:
                told(made)

    def _draw(self, made: Made, what: str) -> float:
        tries = self._tries[made.text]
        return random.Random(f"{self._seed} {self.name} {made.text} {tries} {what}").random()

    async def _fate(self, made: Made, call: Call, deadline_s: float) -> Answer | Trouble:
        """The call, unless the engine dies first."""
        if (down_s := self._down_until.get(made.model, 0.0) - self._now()) > 0:
            await asyncio.sleep(down_s)
        assert made.died is not None
        own = asyncio.ensure_future(self._own_fate(made, call, deadline_s))
        try:
            await asyncio.wait((own, made.died), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not own.done():
                own.cancel()
        if made.died.done():
            return self._trouble(TroubleKind.DIED, "the engine went down")
        return own.result()

    async def _own_fate(self, made: Made, call: Call, deadline_s: float) -> Answer | Trouble:
        fate = self._storm() or self._drawn(made)
        if "poison" in made.text or (fate == "death" and made.job):
            await asyncio.sleep(self._draw(made, "when") * 0.5)
            made.killer = True
            self._die(made.model)
            return self._trouble(TroubleKind.DIED, "the engine went down")
        if "refused" in made.text:
            return self._trouble(TroubleKind.REQUEST, "the engine refuses this request", 400)
        if fate == "hang":
            await asyncio.sleep(deadline_s)
            return self._trouble(TroubleKind.TIMEOUT, "the engine did not answer in time")
        if fate == "slow":
            await asyncio.sleep(self._draw(made, "when") * 60)
        if fate in ("busy", "busy_for"):
            after_s = round(1 + 10 * self._draw(made, "when")) if fate == "busy_for" else None
            return self._trouble(TroubleKind.BUSY, "too many requests", 429, after_s)
        if fate == "operator":
            return self._trouble(TroubleKind.OPERATOR, "the upstream key is wrong", 401)
        if fate == "error":
            return self._trouble(TroubleKind.TRANSIENT, "internal error", 500)
        answer = await self._engine.call(call, deadline_s)
        if fate == "cut":
            return self._trouble(TroubleKind.TRANSIENT, "the connection was cut")
        if isinstance(answer, Answer) and fate in ("garbage", "empty"):
            return msgspec.structs.replace(answer, body=_spoilt(answer.body, fate))
        return answer

    def _storm(self) -> str:
        now = self._now()
        return next((kind for begin, end, kind in self.rates.storms if begin <= now < end), "")

    def _drawn(self, made: Made) -> str:
        draw = self._draw(made, "fate")
        for kind in ("hang", "slow", "busy", "busy_for", "error", "cut", "garbage", "empty", "death"):
            draw -= getattr(self.rates, kind)
            if draw < 0:
                return kind
        return ""

    def _die(self, model: str) -> None:
        """Each model has a process of its own."""
        self._down_until[model] = self._now() + RESTART_S
        for made in self.in_flight:
            if made.model == model and made.died is not None and not made.died.done():
                made.died.set_result(None)

    def _trouble(
        self, kind: TroubleKind, message: str, status: int = 0, retry_after_s: float | None = None
    ) -> Trouble:
        return Trouble(
            kind=kind, message=message, engine=self.name, status=status, retry_after_s=retry_after_s
        )


def _spoilt(body: dict[str, Json], how: str) -> dict[str, Json]:
    if how == "garbage":
        return {"object": "chat.completion", "choices": []}
    choice = body["choices"][0]
    return {**body, "choices": [{**choice, "message": {"role": "assistant", "content": ""}}]}


def _said(answer: Answer) -> str | None:
    choices = answer.body.get("choices")
    return choices[0]["message"]["content"] if choices else None
