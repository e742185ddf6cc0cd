"""What goes into a ledger and comes out of it, beside requests and outcomes."""

import msgspec

from backburner.core.request import Usage

PLAN_START = (b"", -1)


class Progress(msgspec.Struct, frozen=True):
    """Where intake stands: the next byte, line and ordinal to look at, and how many lines were wrong."""

    next_offset: int = 0
    next_line: int = 1
    next_ordinal: int = 0
    invalid_count: int = 0
    done: bool = False


class Pending(msgspec.Struct, frozen=True):
    """A request without an outcome; `interrupted` counts attempts that ended with the service."""

    ordinal: int
    offset: int
    length: int
    key: str | None
    interrupted: int = 0
    plan_key: bytes = b""


class AttemptEnd(msgspec.Struct, frozen=True):
    """`trouble` is empty for an answer, else a TroubleKind or why the call was cut; `usage` and `model` as the engine
    reported them."""

    id: int
    ended_at: float
    trouble: str = ""
    message: str = ""
    usage: Usage = Usage()
    model: str = ""
