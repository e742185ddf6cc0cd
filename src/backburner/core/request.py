"""One request of a job, from line to outcome.

A published line is always `{` + echo + `,` + body + `}`: `echo` is what the caller gets back to know the
request by (key, metadata, ids), encoded once at intake; `body` is the outcome, encoded once in the job's
dialect. So publishing and streaming copy bytes and know no dialect.
"""

from enum import StrEnum

import msgspec

from backburner.core.errors import Code, Violation


class CheckedLine(msgspec.Struct, frozen=True):
    """What intake learns from one input line. `offset` and `length` in bytes, without the line break."""

    ordinal: int
    line: int  # 1-based, blank lines counted
    offset: int
    length: int
    key: str | None
    echo: bytes
    plan_key: bytes
    fingerprint: bytes
    violations: tuple[Violation, ...] = ()
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # ids of files this request needs; pinned with the job
    caches: tuple[str, ...] = ()


class OutcomeKind(StrEnum):
    ANSWER = "answer"
    ERROR = "error"
    # cancelled and expired requests have no row: they are what is missing when the job has ended


class Usage(msgspec.Struct, frozen=True):
    """Tokens. `prompt` includes `cached`, as every wire format counts."""

    prompt: int = 0
    cached: int = 0
    output: int = 0


FROM_CACHE = -1  # instead of an ordinal: the answer is one of a job before


class Saved(msgspec.Struct, frozen=True):
    """What was not asked of an engine, because the answer was there: calls, and the tokens that they had cost. `kept`
    of the calls had their answer from a job before (the answer cache)."""

    calls: int = 0
    usage: Usage = Usage()
    kept: int = 0

    def plus(self, calls: int, usage: Usage, kept: int) -> "Saved":
        return Saved(self.calls + calls, added(self.usage, usage), self.kept + kept)


def added(*usages: Usage) -> Usage:
    return Usage(
        sum([usage.prompt for usage in usages]),
        sum([usage.cached for usage in usages]),
        sum([usage.output for usage in usages]),
    )


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a request ended. `body` is dialect bytes: `"response":{...}` or `"error":{...}`; `message` says in
    words why it is an error, for the reason of a job that fails as a whole.

    `reused_from` is the ordinal of the identical request whose answer this is, or FROM_CACHE, with that one's `usage`,
    which was not spent again; `reusable` says that others may have the answer too (policy/duplicates.py), `kept` is
    what the answer cache is to have of it, key and answer."""

    ordinal: int
    kind: OutcomeKind
    body: bytes
    code: Code = Code.OK
    finish_reason: str = ""
    usage: Usage = Usage()
    engine: str = ""
    model: str = ""
    at: float = 0.0
    message: str = ""
    reused_from: int | None = None
    reusable: bool = False
    kept: tuple[bytes, bytes] | None = None


def line_of(echo: bytes, body: bytes) -> bytes:
    """One result object, without a line break."""
    return b"{" + echo + b"," + body + b"}" if echo else b"{" + body + b"}"
