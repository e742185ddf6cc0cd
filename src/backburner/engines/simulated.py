"""An engine without a model: latency and errors from a seed, an echo for an answer, every call logged.

For tests, benchmarks and dry runs, and never chosen silently. It serves every model name. It answers with
the text of the last user part, or its last `max_completion_tokens` words, or with JSON that fits a schema
where one is asked for; its tokens are words. So every answer can be checked against its request, and by
the log every repeated call counted, after a crash too.

Time passes only through the clock it is given. With no latency a call never waits: it does not give way
to the loop, which is its caller's business.
"""

import hashlib
import random
from collections.abc import AsyncIterator, Sequence

import msgspec

from backburner.core.clock import Clock
from backburner.core.exchange import (
    Answer,
    Call,
    CallKind,
    Capabilities,
    Delta,
    Feature,
    Json,
    Trouble,
    TroubleKind,
    unsupported,
)
from backburner.engines.call_log import CallLog
from backburner.engines.protocol import EngineStatus, Health, ModelInfo
from backburner.engines.simulated_answers import (
    Said,
    completion,
    embed_inputs,
    embeddings,
    last_user_text,
    prompt_tokens,
    say,
    usage_of,
)
from backburner.engines.simulated_options import SimulatedOptions

# Everything but a web search: that needs a search backend, and there is none to simulate.
CAPABILITIES = Capabilities(features=frozenset(Feature) - {Feature.WEB_SEARCH}, slots=64)
_MODELS_REMEMBERED = 1_000
_STREAM_PIECES = 4
_canonical = msgspec.json.Encoder(order="deterministic")


class SimulatedEngine:
    """`models` are names to list from the start; any other is served too, and listed once called."""

    def __init__(
        self, name: str, options: SimulatedOptions, clock: Clock, models: Sequence[str] = ()
    ) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._models = dict.fromkeys(models)
        self._random = random.Random(options.seed)
        self._log: CallLog | None = None
        self._count = 0
        # Tries that failed of requests that have not succeeded yet, by digest.
        self._failed: dict[bytes, int] = {}

    @property
    def name(self) -> str:
        return self._name

    async def start(self) -> None:
        if self._options.log is not None and self._log is None:
            self._log = CallLog(self._options.log)

    async def stop(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def status(self) -> EngineStatus:
        return EngineStatus(Health.UP)

    def models(self) -> list[ModelInfo]:
        return [
            ModelInfo(
                id=model,
                display_name=f"{model} (simulated)",
                description="No model: echoes the last user text",
                capabilities=CAPABILITIES,
            )
            for model in self._models
        ]

    def capabilities(self, model: str) -> Capabilities | None:
        return CAPABILITIES

    def revision(self, model: str) -> str:
        return f"seed {self._options.seed}"

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        n, latency_s, trouble = self._begin(call)
        outcome = "cancelled"
        try:
            if latency_s > 0:
                await self._clock.sleep(min(latency_s, deadline_s))
            if latency_s > deadline_s:
                trouble = self._late(deadline_s)
            result = trouble or self._answer(call, n)
            outcome = result.kind.value if isinstance(result, Trouble) else "answer"
            return result
        finally:
            if self._log is not None:
                self._log.end(n, call, outcome)

    async def stream(self, call: Call, deadline_s: float) -> AsyncIterator[Delta | Trouble]:
        n, latency_s, trouble = self._begin(call)
        outcome = "cancelled"
        try:
            result = trouble or self._answer(call, n)
            deltas = [result] if isinstance(result, Trouble) else _deltas(result)
            pause_s = min(latency_s, deadline_s) / len(deltas)
            for delta in deltas:
                if pause_s > 0:
                    await self._clock.sleep(pause_s)
                if delta is deltas[-1] and latency_s > deadline_s:
                    result = delta = self._late(deadline_s)
                yield delta
            outcome = result.kind.value if isinstance(result, Trouble) else "answer"
        finally:
            if self._log is not None:
                self._log.end(n, call, outcome)

    async def count_tokens(self, model: str, body: dict[str, Json]) -> int | Trouble:
        return prompt_tokens(body)

    def _begin(self, call: Call) -> tuple[int, float, Trouble | None]:
        """Logs the call and draws its fate: number, latency and the trouble it will end in, if any."""
        self._count += 1
        if call.model not in self._models and len(self._models) < _MODELS_REMEMBERED:
            self._models[call.model] = None
        trouble = self._refusal(call)
        options = self._options
        if self._log is not None or options.error_rate > 0:
            digest = hashlib.sha256(_canonical.encode(call.body))
            if self._log is not None:
                self._log.start(self._count, call, digest.hexdigest(), _text(call))
            if options.error_rate > 0 and trouble is None:
                trouble = self._drawn_trouble(digest.digest())
        latency_s = options.latency_ms / 1000
        if options.jitter > 0:
            latency_s *= max(0.0, 1 + options.jitter * self._random.uniform(-1, 1))
        return self._count, latency_s, trouble

    def _refusal(self, call: Call) -> Trouble | None:
        missing = unsupported(call.needs, CAPABILITIES) if call.needs else None
        if not missing:
            return None
        words = ", ".join(missing)
        return Trouble(
            kind=TroubleKind.REQUEST,
            message=f"The engine {self._name} (simulated) cannot do {words}",
            engine=self._name,
            status=400,
        )

    def _drawn_trouble(self, digest: bytes) -> Trouble | None:
        """By seed, content and how often it failed already, so that it is the same in any order of calls and
        a repeated try has a chance of its own."""
        tries = self._failed.get(digest, 0)
        draw = random.Random(b"%d %d " % (self._options.seed, tries) + digest).random()
        if draw >= self._options.error_rate:
            self._failed.pop(digest, None)
            return None
        self._failed[digest] = tries + 1
        return Trouble(
            kind=TroubleKind.TRANSIENT,
            message=f"Simulated error (error_rate={self._options.error_rate:g}, try {tries + 1})",
            engine=self._name,
            status=500,
        )

    def _late(self, deadline_s: float) -> Trouble:
        return Trouble(
            kind=TroubleKind.TIMEOUT,
            message=f"The engine {self._name} did not answer within {deadline_s:g} s",
            engine=self._name,
        )

    def _answer(self, call: Call, n: int) -> Answer | Trouble:
        seed = self._options.seed
        if call.kind is CallKind.EMBED:
            body = embeddings(call.body, call.model, seed)
        else:
            try:
                said: Said = say(call.body, seed)
            except ValueError as error:
                return Trouble(
                    kind=TroubleKind.REQUEST,
                    message=f"response schema: {error}",
                    engine=self._name,
                    status=400,
                )
            body = completion(call.body, call.model, said, f"simulated-{n}")
        return Answer(body=body, usage=usage_of(body), engine=self._name, model=call.model)


def _text(call: Call) -> str:
    if call.kind is CallKind.EMBED:
        return "\n".join(embed_inputs(call.body))
    return last_user_text(call.body)


def _deltas(answer: Answer) -> list[Delta | Trouble]:
    """A completion in up to four pieces; the last has the finish reason and the usage."""
    choices: list[Json] = answer.body["choices"]
    text: str = choices[0]["message"]["content"]
    size = max(1, -(-len(text) // _STREAM_PIECES))
    deltas: list[Delta | Trouble] = [
        Delta(
            choices=[
                {
                    "index": choice["index"],
                    "delta": {"role": "assistant", "content": text[at : at + size]},
                    "finish_reason": None,
                }
                for choice in choices
            ],
            model=answer.model,
        )
        for at in range(0, len(text), size)
    ]
    ending = [
        {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        for choice in choices
    ]
    return [*deltas, Delta(choices=ending, usage=answer.usage, model=answer.model)]
