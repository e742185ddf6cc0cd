"""What a request that creates a job may say in headers: SDKs refuse body fields that they do not know."""

import hashlib

from starlette.requests import Request

from backburner.core.errors import InvalidArgument, Violation
from backburner.core.job import OnInvalid, Webhook
from backburner.service.drafts import Idempotency

IDEMPOTENCY_HEADER = "idempotency-key"
ON_INVALID_HEADER = "x-backburner-on-invalid"
HOLD_HEADER = "x-backburner-hold"
AFTER_HEADER = "x-backburner-after"
WEBHOOK_HEADER = "x-backburner-webhook"
DUPLICATES_HEADER = "x-backburner-duplicates"


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


def hold(request: Request) -> bool:
    """`canary`: after its first sample the job waits until somebody approves. Raises InvalidArgument."""
    header = request.headers.get(HOLD_HEADER)
    if header is None:
        return False
    if header.strip().lower() != "canary":
        words = f"expected canary, found {header[:40]!r}"
        raise InvalidArgument(f"header {HOLD_HEADER}: {words}", violations=[Violation(HOLD_HEADER, words)])
    return True


def after(request: Request) -> tuple[str, ...]:
    """Jobs that the new one is to follow, separated by commas."""
    header = request.headers.get(AFTER_HEADER, "")
    return tuple(name.strip() for name in header.split(",") if name.strip())


def webhook(request: Request, asked: Webhook | None = None) -> Webhook | None:
    """The receivers in the body and the one in the header."""
    header = request.headers.get(WEBHOOK_HEADER, "").strip()
    if not header:
        return asked
    asked = asked or Webhook(())
    return Webhook(tuple(dict.fromkeys((*asked.uris, header))), asked.metadata)


def reuse_duplicates(request: Request) -> bool | None:
    """Whether identical requests run once; None where the request does not say. Raises InvalidArgument."""
    header = request.headers.get(DUPLICATES_HEADER)
    if header is None:
        return None
    word = header.strip().lower()
    if word not in ("reuse", "run"):
        words = f"expected reuse or run, found {header[:40]!r}"
        raise InvalidArgument("a header is wrong", violations=[Violation(DUPLICATES_HEADER, words)])
    return word == "reuse"


def idempotency(request: Request, what: str, body: bytes | bytearray) -> Idempotency | None:
    """`what` is the kind of thing created, so that one key for two of them is a mistake that is seen."""
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if not key:
        return None
    digest = hashlib.sha256(f"{what}\n".encode())
    digest.update(body)  # apart, because it may be large
    return Idempotency(key, digest.digest())
