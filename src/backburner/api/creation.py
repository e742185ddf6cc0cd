"""What a request that creates a job may say in headers: SDKs refuse body fields that they do not know."""

import hashlib

from starlette.requests import Request

from backburner.core.errors import InvalidArgument, Violation
from backburner.core.job import OnInvalid
from backburner.service.drafts import Idempotency

IDEMPOTENCY_HEADER = "idempotency-key"
ON_INVALID_HEADER = "x-backburner-on-invalid"


def on_invalid(request: Request, asked: OnInvalid = OnInvalid.FAIL) -> OnInvalid:
    """Raises InvalidArgument."""
    header = request.headers.get(ON_INVALID_HEADER)
    if header is None:
        return asked
    try:
        return OnInvalid(header.strip().lower())
    except ValueError:
        words = f"expected fail or skip, found {header[:40]!r}"
        raise InvalidArgument("a header is wrong", violations=[Violation(ON_INVALID_HEADER, words)]) from None


def idempotency(request: Request, what: str, body: bytes | bytearray) -> Idempotency | None:
    """`what` is the kind of thing created, so that one key for two of them is a mistake that is seen."""
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if not key:
        return None
    digest = hashlib.sha256(f"{what}\n".encode())
    digest.update(body)  # apart, because it may be large
    return Idempotency(key, digest.digest())
