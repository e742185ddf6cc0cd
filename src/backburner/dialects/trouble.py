"""The code that a caller sees for trouble with an engine when retries are used up."""

from backburner.core.errors import Code
from backburner.core.exchange import Trouble, TroubleKind

_CODES = {
    TroubleKind.REQUEST: Code.INVALID_ARGUMENT,
    TroubleKind.BUSY: Code.UNAVAILABLE,
    TroubleKind.TRANSIENT: Code.UNAVAILABLE,
    TroubleKind.TIMEOUT: Code.DEADLINE_EXCEEDED,
    TroubleKind.OPERATOR: Code.FAILED_PRECONDITION,
    TroubleKind.DIED: Code.INTERNAL,
}


def code_of(trouble: Trouble) -> Code:
    if trouble.kind is TroubleKind.BUSY and trouble.status == 429:
        return Code.RESOURCE_EXHAUSTED
    return _CODES[trouble.kind]
