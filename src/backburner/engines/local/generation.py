"""One CHAT request inside the chat child: what it asked for, and the sequences it has produced so far."""

from typing import Any

from backburner.engines.local.asked import Settings
from backburner.engines.local.constraint import Constraint


class Sequence:
    """One candidate. `finish` is OpenAI's word, empty while it grows."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.finish = ""
        self.sent_chars = 0  # of its text, when streamed


class Generation:
    """`room` is the most tokens that an answer may have: what was asked for, or what the context leaves."""

    def __init__(
        self,
        ask: int,
        stream: bool,
        settings: Settings,
        constraint: Constraint | None,
        prompt_ids: list[int],
        room: int,
        seed: int,
    ) -> None:
        self.ask = ask
        self.stream = stream
        self.settings = settings
        self.constraint = constraint
        self.prompt_ids = prompt_ids
        self.room = room
        self.seed = seed
        # Greedy candidates are all the same: one is made and repeated.
        self.distinct = 1 if settings.greedy else settings.candidates
        self.sequences = [Sequence() for _ in range(self.distinct)]
        self.falls = 0  # pipelines that fell with it inside
        self.proven = False  # a step has run with it, so its grammar compiles

    @property
    def ended(self) -> bool:
        return all(sequence.finish for sequence in self.sequences)

    def restart(self) -> None:
        self.sequences = [Sequence() for _ in range(self.distinct)]


class Leg:
    """One stay of a generation in the pipeline: all its sequences, or the rest of one of them."""

    def __init__(self, generation: Generation, sequences: list[Sequence], handle: Any, tokens: int) -> None:
        self.generation = generation
        self.sequences = sequences
        self.handle = handle
        self.tokens = tokens  # the most that this leg may add to each sequence
