"""How we say no.

    Refused                 the caller's request cannot be done; the words say why and what to write instead
    ├── InvalidArgument     the request itself is wrong; carries every Violation found, not only the first
    ├── TooLarge            over a documented limit; names the way out
    ├── Unauthenticated     a key is missing or unknown
    ├── PermissionDenied    not yours, or (as the real service does for files) not there
    ├── NotFound            no such thing for this tenant
    ├── Conflict            already exists, or a state that does not allow it
    ├── DataLoss            bytes that we keep are not those that were written
    ├── Exhausted           a limit that frees up by itself; may carry retry_after_s
    └── Unavailable         we or an engine cannot serve this now
        └── DiskFull        the server's disk has no room for it

Trouble with an engine is a value (`exchange.Trouble`), not an exception: it is policy's business.
A bug is neither; it propagates. `Code` numbers are google.rpc.Code, the vocabulary every dialect maps from.
"""

from collections.abc import Sequence
from enum import IntEnum

import msgspec


class Code(IntEnum):
    """google.rpc.Code."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Violation(msgspec.Struct, frozen=True):
    """One thing that is wrong in a request.

    `path` is a JSON path from the request's own root (`generationConfig.temperature`, `contents[0].parts`);
    `reason` says what was expected and what was found; `instead` says what to write, where we know it.
    `line` is the 1-based line of an input file or None for a request body; `key` the caller's label. `word` is
    the stable name of the mistake for a program, in dialects that have such names.
    """

    path: str
    reason: str
    instead: str = ""
    line: int | None = None
    key: str | None = None
    word: str = ""

    def sentence(self) -> str:
        words = f"{self.path}: {self.reason}" if self.path else self.reason
        return f"{words}. {self.instead}" if self.instead else words


class Refused(Exception):
    """Base of every refusal. `message` is for a person; `reason` is a stable word for a program."""

    code = Code.FAILED_PRECONDITION
    reason = "REFUSED"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        violations: Sequence[Violation] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.reason
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s


class InvalidArgument(Refused):
    code = Code.INVALID_ARGUMENT
    reason = "INVALID_ARGUMENT"


class TooLarge(Refused):
    code = Code.INVALID_ARGUMENT
    reason = "TOO_LARGE"


class Unauthenticated(Refused):
    """`reason` is KEY_MISSING or KEY_INVALID; the dialects answer the two differently."""

    code = Code.UNAUTHENTICATED
    reason = "KEY_MISSING"


class PermissionDenied(Refused):
    code = Code.PERMISSION_DENIED
    reason = "PERMISSION_DENIED"


class NotFound(Refused):
    code = Code.NOT_FOUND
    reason = "NOT_FOUND"


class Conflict(Refused):
    code = Code.FAILED_PRECONDITION
    reason = "CONFLICT"


class AlreadyExists(Conflict):
    code = Code.ALREADY_EXISTS
    reason = "ALREADY_EXISTS"


class DataLoss(Refused):
    code = Code.DATA_LOSS
    reason = "DATA_LOSS"


class Exhausted(Refused):
    code = Code.RESOURCE_EXHAUSTED
    reason = "RESOURCE_EXHAUSTED"


class Unavailable(Refused):
    code = Code.UNAVAILABLE
    reason = "UNAVAILABLE"


class DiskFull(Unavailable):
    """The operator's to mend, and nobody's quota: so no RESOURCE_EXHAUSTED. Every SDK tries it again."""

    reason = "DISK_FULL"


class Unsupported(Refused):
    """A feature that the engine serving this model cannot do; names the feature and the engine."""

    code = Code.INVALID_ARGUMENT
    reason = "UNSUPPORTED_FEATURE"
