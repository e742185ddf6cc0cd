"""What intake, dispatch and publish ask of a dialect. Everything here is pure."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from backburner.core.errors import Code, Violation
from backburner.core.exchange import Answer, Call, Json, Trouble
from backburner.core.job import JobKind, JobState
from backburner.core.request import CheckedLine, Outcome


class Source(msgspec.Struct, frozen=True):
    """Where the lines being checked come from, for the words of an error. `name` is `files/x`, or None for
    requests in the body of the create call. `endpoint` is what the job is for, in dialects that have more than
    one for a kind; `job` is whose lines they are, empty where there is no job yet."""

    name: str | None
    kind: JobKind
    model: str
    endpoint: str = ""
    job: str = ""


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What a line's translation depends on besides the line.

    `model` is the engine's name for the model. `cached` gives the stored body of `cachedContents/x`
    (None when it is gone).
    """

    kind: JobKind
    model: str
    cached: Callable[[str], dict[str, Json] | None]


class Refusal(msgspec.Struct, frozen=True):
    """A line that cannot become a call: its outcome, decided without an engine."""

    code: Code
    message: str


class Stamp(msgspec.Struct, frozen=True):
    """What identifies one answer: goes into `responseId` and the like."""

    job: str
    ordinal: int
    key: str | None
    created_at: float


class Dialect(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def unique_keys(self) -> bool:
        """Whether a key that comes twice in a job is a mistake."""
        ...

    def repeated_key(self, key: str, line: int | None, first_line: int) -> Violation:
        """What is wrong with a request whose key an earlier line has, where keys are unique."""
        ...

    @property
    def errors_apart(self) -> bool:
        """Whether requests without an answer are published in a file of their own."""
        ...

    def check_lines(
        self, chunk: bytes, source: Source, first_ordinal: int, first_line: int, offset: int
    ) -> list[CheckedLine]:
        """Checks whole lines; `chunk` ends at a line break or at the end of the input. Blank lines yield
        nothing. Ordinals count from `first_ordinal`, lines from `first_line`, offsets from `offset`.
        A wrong line yields a CheckedLine with every violation found in it."""
        ...

    def to_call(self, line: bytes, setting: Setting) -> Call | Refusal:
        """The engine call that a good line asks for."""
        ...

    def answered(self, line: bytes, answer: Answer, stamp: Stamp) -> Outcome:
        """The outcome of a line and its answer. An answer that is empty, cut or invalid stays an ANSWER
        with its finish reason and message, unless nothing usable is in it."""
        ...

    def again(self, body: bytes, was: Stamp, now: Stamp) -> bytes:
        """The body of an answer, as `answered` made it for one request, for another that asks the same: with the ids
        of that one in it."""
        ...

    def failed(self, code: Code, message: str, stamp: Stamp) -> Outcome:
        """An ERROR outcome."""
        ...

    def unfinished(self, state: JobState, stamp: Stamp) -> Outcome:
        """What stands for a request of a job that ended, in `state`, before the request had its outcome."""
        ...

    def trouble_code(self, trouble: Trouble) -> Code:
        """The code that the caller sees when retries are used up."""
        ...
