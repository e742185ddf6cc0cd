"""An engine that does what a test tells it to, and remembers every call.

`play` is asked at each call what will become of it: `Play(latency_s, trouble)`. It may outlive the house that
calls it, so that calls can be counted over a crash.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from backburner.core.clock import Clock
from backburner.core.exchange import Answer, Call, Capabilities, Delta, Feature, Json, Trouble, TroubleKind
from backburner.core.request import Usage
from backburner.engines.protocol import EngineStatus, Health, ModelInfo


@dataclass(frozen=True)
class Play:
    """After `latency_s`: an answer, that ended as `finish` says and took `usage`, or trouble. `fatal`: the engine dies
    then, with all that is in flight."""

    latency_s: float = 0.1
    trouble: Trouble | None = None
    fatal: bool = False
    finish: str = "stop"
    usage: Usage = Usage(prompt=2, output=1)  # noqa: RUF009  frozen


@dataclass(eq=False)
class Made:
    """A call that was made. `beside` are those in flight when it started."""

    text: str
    model: str
    started_at: float
    beside: "tuple[Made, ...]" = field(repr=False)
    ended: str = ""
    future: "asyncio.Future[Answer | Trouble] | None" = field(default=None, repr=False)


def trouble(
    kind: TroubleKind, message: str = "no", retry_after_s: float | None = None, status: int = 0
) -> Trouble:
    return Trouble(kind=kind, message=message, engine="simulated", retry_after_s=retry_after_s, status=status)


def at_once(text: str, nth: int) -> Play:
    return Play(0.0)


class ScriptedEngine:
    """`name`: what settings with `engine=simulated` route to, if nothing else is said."""

    def __init__(
        self,
        clock: Clock,
        play: Callable[[str, int], Play] = at_once,
        slots: int = 4,
        name: str = "simulated",
    ) -> None:
        self.name = name
        self._clock = clock
        self.play = play
        self.can = Capabilities(features=frozenset({Feature.CHAT}), slots=slots)
        self.calls: list[Made] = []
        self.tries: Counter[str] = Counter()
        self.most_in_flight = 0
        self.deaths = 0
        self.serves = True
        self.made_as = "first"
        self._unplugged = False

    @property
    def in_flight(self) -> list[Made]:
        return [made for made in self.calls if not made.ended]

    @property
    def repeats(self) -> int:
        return len(self.calls) - len({made.text for made in self.calls})

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def status(self) -> EngineStatus:
        return EngineStatus(Health.UP)

    def revision(self, model: str) -> str:
        return self.made_as

    def models(self) -> list[ModelInfo]:
        return []

    def capabilities(self, model: str) -> Capabilities | None:
        return self.can if self.serves else None

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        if self._unplugged:
            return await asyncio.get_running_loop().create_future()
        text: str = call.body["messages"][-1]["content"]
        beside = tuple(self.in_flight)
        self.tries[text] += 1
        play = self.play(text, self.tries[text])
        loop = asyncio.get_running_loop()
        made = Made(text, call.model, self._clock.monotonic(), beside, future=loop.create_future())
        self.calls.append(made)
        self.most_in_flight = max(self.most_in_flight, len(beside) + 1)
        timer = loop.call_later(play.latency_s, self._end, made, play)
        try:
            assert made.future is not None
            result = await made.future
            made.ended = result.kind if isinstance(result, Trouble) else "answer"
            return result
        finally:
            timer.cancel()
            made.ended = made.ended or "cancelled"

    def _end(self, made: Made, play: Play) -> None:
        if play.fatal:
            self.deaths += 1
            for other in self.in_flight:
                _settle(other, trouble(TroubleKind.DIED, "the engine died"))
            return
        _settle(made, play.trouble or answer(made.text, made.model, play))

    def unplug(self) -> None:
        """The service was killed: nothing reaches the engine any more, and nobody hears what it says."""
        self._unplugged = True
        for made in self.in_flight:
            made.ended = "killed"

    def plug_in(self) -> None:
        self._unplugged = False

    async def stream(self, call: Call, deadline_s: float) -> AsyncIterator[Delta | Trouble]:
        """Words without end, one each `latency_s`, until the caller hangs up; or trouble."""
        text: str = call.body["messages"][-1]["content"]
        self.tries[text] += 1
        play = self.play(text, self.tries[text])
        made = Made(text, call.model, self._clock.monotonic(), tuple(self.in_flight))
        self.calls.append(made)
        try:
            while play.trouble is None:
                await self._clock.sleep(play.latency_s)
                yield Delta(choices=[{"index": 0, "delta": {"content": "word "}, "finish_reason": None}])
            yield play.trouble
        finally:
            made.ended = "cancelled"

    async def count_tokens(self, model: str, body: dict[str, Json]) -> int | Trouble:
        raise NotImplementedError


def _settle(made: Made, result: Answer | Trouble) -> None:
    if made.future is not None and not made.future.done():
        made.future.set_result(result)


def answer(text: str, model: str, play: Play = Play()) -> Answer:
    message = {"role": "assistant", "content": text}
    body = {"choices": [{"message": message, "finish_reason": play.finish}]}
    return Answer(body=body, usage=play.usage, engine="simulated", model=model)
