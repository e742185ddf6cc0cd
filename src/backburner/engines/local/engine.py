"""`LocalEngine`: the models that come with Backburner, behind the engine protocol.

The parent's side only: it moves frames to one child process per model (`supervisor.py`) and dresses their
replies as answers. It imports nothing of the runtime, so a plain install can build it and is told by
`status()` what is missing and which command mends it.
"""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from backburner.core.clock import Clock, SystemClock
from backburner.core.exchange import (
    Answer,
    Call,
    CallKind,
    Capabilities,
    Delta,
    Json,
    Trouble,
    TroubleKind,
    unsupported,
)
from backburner.core.limits import DEFAULT_OUTPUT_TOKENS
from backburner.core.request import Usage
from backburner.engines.local import runtime, store
from backburner.engines.local.bodies import embeddings_body, frame_of, info_of
from backburner.engines.local.catalogue import CHAT_MODEL, EMBED_MODEL, KNOWN
from backburner.engines.local.frames import (
    Answered,
    Count,
    Counted,
    Failed,
    Piece,
    Reply,
    Vectors,
    Wrong,
)
from backburner.engines.local.setup import CHAT_SLOTS, EMBED_SLOTS, Setup
from backburner.engines.local.supervisor import CHILD_COMMAND, ChildState, Died, NotUp, Supervisor, Unsendable
from backburner.engines.protocol import EngineStatus, Health, ModelInfo

PULL_COMMAND = "backburner models pull"
CACHE_BYTES = 1024**3


class LocalEngine:
    """`gguf_models` maps further chat models to GGUF files; like the known ones they are pulled first.

    `warm` names the models whose children `start()` starts; the others start with their first call.
    """

    def __init__(
        self,
        models_dir: Path,
        *,
        name: str = "local",
        threads: int = 0,
        cache_bytes: int = CACHE_BYTES,
        output_tokens: int = DEFAULT_OUTPUT_TOKENS,
        gguf_models: Mapping[str, Path] | None = None,
        warm: Iterable[str] = (),
        clock: Clock | None = None,
        chance: random.Random | None = None,
        child_command: Sequence[str] = CHILD_COMMAND,
    ) -> None:
        self._name = name
        self._models_dir = models_dir
        self._threads = threads or cpu_count()
        self._cache_bytes = cache_bytes
        self._output_tokens = output_tokens
        self._wanted = (*KNOWN, *(gguf_models or {}))
        self._warm = tuple(warm)
        self._clock: Clock = clock or SystemClock()
        self._child_command = child_command
        self._chance = chance or random.Random(secrets.randbits(64))
        self._manifests: dict[str, store.Manifest] = {}
        self._infos: dict[str, ModelInfo] = {}
        self._children: dict[str, Supervisor] = {}
        self._stopped = False
        self._look()

    @property
    def name(self) -> str:
        return self._name

    # -- life ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        self._stopped = False
        self._look()
        for model in self._warm:
            child = self._child(model)
            if child:
                child.start()

    async def stop(self) -> None:
        self._stopped = True
        children, self._children = self._children, {}
        await asyncio.gather(*(child.stop() for child in children.values()))

    def status(self) -> EngineStatus:
        lacking = self.lacking()
        if lacking and (runtime.missing() or not self._manifests):
            return EngineStatus(Health.DOWN, lacking)
        reasons = [one.reason for one in self._children.values() if one.state is ChildState.DOWN]
        if reasons:
            return EngineStatus(Health.DOWN, "; ".join(reasons))
        if any(child.state is ChildState.STARTING for child in self._children.values()):
            return EngineStatus(Health.STARTING, "the model is being opened")
        return EngineStatus(Health.UP, lacking)

    def lacking(self) -> str:
        """What keeps the default models from running, with the command that mends it; empty when nothing."""
        if runtime.missing():
            return runtime.MISSING
        self._look()
        absent = [model for model in self._wanted if model not in self._manifests]
        if absent:
            return f"{' and '.join(absent)} not fetched yet; run: {PULL_COMMAND}"
        return ""

    # -- what it serves -----------------------------------------------------------------------------

    def models(self) -> list[ModelInfo]:
        """The pulled models, then the known ones that are still to be pulled."""
        return list(self._infos.values())

    def capabilities(self, model: str) -> Capabilities | None:
        info = self._infos.get(model)
        return info.capabilities if info else None

    def revision(self, model: str) -> str:
        manifest = self._manifests.get(model)
        made = (manifest.sha256, manifest.made_with, manifest.format) if manifest else ()
        return msgspec.json.encode((made, self._output_tokens), order="sorted").decode()

    # -- calls --------------------------------------------------------------------------------------

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        child = self._child(call.model)
        if child is None:
            return self._not_served(call.model)
        refusal = self._refusal(call)
        if refusal is not None:
            return refusal
        try:
            async with asyncio.timeout(deadline_s):
                reply = await child.ask(lambda number: frame_of(call, number, stream=False))
        except TimeoutError:
            return self._trouble(
                TroubleKind.TIMEOUT, f"The engine {self._name} gave no answer within {deadline_s:g} s"
            )
        except (NotUp, Unsendable) as error:
            return self._not_asked(error)
        return self._answer(call, reply)

    async def stream(self, call: Call, deadline_s: float) -> AsyncIterator[Delta | Trouble]:
        child = self._child(call.model)
        refusal = self._refusal(call)
        if child is None or refusal is not None:
            yield refusal or self._not_served(call.model)
            return
        replies = child.follow(lambda number: frame_of(call, number, stream=True))
        try:
            async with asyncio.timeout(deadline_s):
                async for reply in replies:
                    if isinstance(reply, Piece):
                        yield Delta(choices=reply.choices, model=call.model)
                        continue
                    answer = self._answer(call, reply)
                    if isinstance(answer, Trouble):
                        yield answer
                    else:
                        yield Delta(choices=[], usage=answer.usage, model=call.model)
        except TimeoutError:
            yield self._trouble(
                TroubleKind.TIMEOUT, f"The engine {self._name} gave no answer within {deadline_s:g} s"
            )
        except (NotUp, Unsendable) as error:
            yield self._not_asked(error)
        finally:
            await replies.aclose()

    async def count_tokens(self, model: str, body: dict[str, Json]) -> int | Trouble:
        child = self._child(model)
        if child is None:
            return self._not_served(model)
        try:
            reply = await child.ask(lambda number: Count(number, body))
        except (NotUp, Unsendable) as error:
            return self._not_asked(error)
        return reply.tokens if isinstance(reply, Counted) else self._trouble_of(reply)

    # -- replies ------------------------------------------------------------------------------------

    def _answer(self, call: Call, reply: Reply | Died) -> Answer | Trouble:
        match reply:
            case Answered():
                body = {
                    "id": f"chatcmpl-{secrets.token_hex(12)}",
                    "created": int(self._clock.now()),
                    "model": call.model,
                    **reply.body,
                }
                usage = Usage(prompt=reply.prompt, cached=reply.cached, output=reply.output)
            case Vectors():
                body = embeddings_body(call.model, reply)
                usage = Usage(prompt=reply.tokens)
            case _:
                return self._trouble_of(reply)
        return Answer(body=body, usage=usage, engine=self._name, model=call.model)

    def _trouble_of(self, reply: Reply | Died) -> Trouble:
        match reply:
            case Wrong():
                return self._trouble(TroubleKind.REQUEST, reply.message)
            case Failed():
                return self._trouble(TroubleKind.TRANSIENT, reply.message)
            case Died():
                return self._trouble(TroubleKind.DIED, reply.reason)
            case _:
                raise AssertionError(
                    f"a child replied with {type(reply).__name__}, which answers nothing here"
                )

    def _refusal(self, call: Call) -> Trouble | None:
        can = self.capabilities(call.model)
        missing = unsupported(call.needs, can) if call.needs and can else None
        if not missing:
            return None
        words = f"The engine {self._name} ({call.model}) cannot do {', '.join(missing)}"
        return self._trouble(TroubleKind.REQUEST, words)

    def _trouble(self, kind: TroubleKind, message: str) -> Trouble:
        return Trouble(kind=kind, message=message, engine=self._name)

    def _not_asked(self, error: NotUp | Unsendable) -> Trouble:
        if isinstance(error, Unsendable):
            return self._trouble(TroubleKind.REQUEST, f"the request's body is malformed: {error}")
        return Trouble(kind=TroubleKind.BUSY, message=str(error), engine=self._name, retry_after_s=1.0)

    def _not_served(self, model: str) -> Trouble:
        if self._stopped:
            return self._trouble(TroubleKind.TRANSIENT, "the engine was stopped")
        if model in self._wanted:
            return self._trouble(TroubleKind.OPERATOR, self.lacking() or f"{model} cannot be opened")
        return self._trouble(TroubleKind.OPERATOR, f"engine {self._name} serves no model called {model!r}")

    # -- children -----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Looks for pulled models again until all that are wanted are there."""
        if any(model not in self._manifests for model in self._wanted):
            self._manifests = {one.id: one for one in store.installed(self._models_dir)}
            known = [model for model in KNOWN.values() if model.id not in self._manifests]
            self._infos = {one.id: info_of(one) for one in (*self._manifests.values(), *known)}

    def _child(self, model: str) -> Supervisor | None:
        if self._stopped:
            return None
        child = self._children.get(model)
        if child is None:
            if model not in self._manifests:
                self._look()
            manifest = self._manifests.get(model)
            if manifest is None or runtime.missing():
                return None
            seed = self._chance.getrandbits(63)
            child = Supervisor(
                model, lambda socket: self._setup(manifest, socket, seed), self._clock, self._child_command
            )
            self._children[model] = child
        return child

    def _setup(self, manifest: store.Manifest, socket: int, seed: int) -> Setup:
        chat = manifest.kind is CallKind.CHAT
        return Setup(
            kind=manifest.kind,
            model=manifest.id,
            model_dir=str(self._models_dir / manifest.id),
            socket=socket,
            parent=os.getpid(),
            threads=self._threads,
            cache_bytes=self._cache_bytes,
            context_tokens=manifest.context_tokens,
            output_tokens=self._output_tokens,
            temperature=manifest.temperature,
            top_p=manifest.top_p,
            slots=CHAT_SLOTS if chat else EMBED_SLOTS,
            seed=seed,
        )


def cpu_count() -> int:
    """The CPUs this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


__all__ = ["CHAT_MODEL", "EMBED_MODEL", "LocalEngine"]
