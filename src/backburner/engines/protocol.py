"""The one thing an engine is to the rest of the house.

An engine never raises for what an upstream does: it returns an Answer or Trouble. It may be cancelled
(asyncio cancellation) at any await and must then free what the call held, upstream too where it can.
"""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol

import msgspec

from backburner.core.exchange import Answer, Call, Capabilities, Delta, Json, Trouble


class Health(StrEnum):
    STARTING = "starting"
    UP = "up"
    DOWN = "down"


class EngineStatus(msgspec.Struct, frozen=True):
    health: Health
    reason: str = ""  # for a person, when not UP


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model an engine serves. `id` is the engine's name for it and what `modelVersion` says."""

    id: str
    display_name: str = ""
    description: str = ""
    capabilities: Capabilities


class Engine(Protocol):
    @property
    def name(self) -> str:
        """The name from the config, for example `local`."""
        ...

    async def start(self) -> None:
        """Makes ready what takes time (child processes); returns once calls may be made, they may wait."""
        ...

    async def stop(self) -> None: ...

    def status(self) -> EngineStatus: ...

    def models(self) -> list[ModelInfo]:
        """What it serves. An engine that accepts any name lists what it knows."""
        ...

    def capabilities(self, model: str) -> Capabilities | None:
        """None when it does not serve this model."""
        ...

    def revision(self, model: str) -> str:
        """Changes when the same question may get another answer from now on, as far as can be seen from here: other
        weights, another address. Answers kept under another revision are not used."""
        ...

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        """One call, at most `deadline_s` seconds; TIMEOUT trouble after that."""
        ...

    def stream(self, call: Call, deadline_s: float) -> AsyncIterator[Delta | Trouble]:
        """The same, piece by piece; Trouble ends it."""
        ...

    async def count_tokens(self, model: str, body: dict[str, Json]) -> int | Trouble:
        """Prompt tokens of a CHAT body (or of an EMBED body's inputs together)."""
        ...
