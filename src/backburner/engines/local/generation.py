"""One CHAT request inside the chat child: what it asked for, and the sequences it has produced so far."""

from typing import Any

from backburner.engines.local.asked import Settings
from backburner.engines.local.constraint import Constraint


class Sequence:
    """One candidate. `finish` is OpenAI's word for how it ended, empty while it grows. `strict` says that
    it is on its second try, under its constraint's strict form."""

    def __init__(self, seed: int, *, strict: bool) -> None:
        self.seed = seed
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.finish = ""
        self.strict = strict
        self.sent_chars = 0  # of its text, when streamed

    def again(self) -> None:
        self.ids.clear()
        self.logprobs.clear()
        self.finish = ""
        self.strict = True


class Generation:
    """`room` is the most tokens that an answer may have: what was asked for, or what the context leaves.
    `tools` says that the answer may be a call."""

    def __init__(
        self,
        ask: int,
        settings: Settings,
        constraint: Constraint | None,
        prompt_ids: list[int],
        room: int,
        seed: int,
        *,
        stream: bool,
        tools: bool,
    ) -> None:
        self.ask = ask
        self.settings = settings
        self.constraint = constraint
        self.prompt_ids = prompt_ids
        self.room = room
        self.seed = seed
        self.stream = stream
        self.tools = tools
        self.cached: int | None = None  # tokens of its prompt that the runtime had already
        self.blocks = 0  # of the cache, as planned when it was let in
        self.falls = 0  # pipelines that fell with it inside
        self.sequences: list[Sequence] = []
        self.restart()

    def restart(self) -> None:
        self.cached = None
        # Greedy candidates are all the same: one is made and repeated.
        count = 1 if self.settings.greedy else self.settings.candidates
        # What is streamed cannot be taken back, so it is strict from the start.
        strict = self.stream and self.constraint is not None and self.constraint.checked
        self.sequences = [Sequence(self.seed + number, strict=strict) for number in range(count)]

    @property
    def ended(self) -> bool:
        return all(sequence.finish for sequence in self.sequences)

    @property
    def begun(self) -> bool:
        """Some of it has been streamed already."""
        return any(sequence.sent_chars for sequence in self.sequences)


class Leg:
    """One stay in the pipeline of sequences that begin alike: all of a generation's, or the rest of one.

    `form` is the grammar it runs under. A leg that has read a token has shown that its form compiles.
    """

    def __init__(
        self,
        generation: Generation,
        sequences: list[Sequence],
        form: str | None,
        handle: Any,
        blocks: list[int] | None = None,
    ) -> None:
        self.generation = generation
        self.blocks = blocks or []  # of its prompt, as prefixes.py names them
        self.sequences = sequences
        self.form = form
        self.handle = handle

    @property
    def suspect(self) -> bool:
        """Whether its form may be what makes the pipeline fall."""
        return self.form is not None and not self.handle.can_read() and not self.sequences[0].ids
