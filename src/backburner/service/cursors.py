"""Cursors: opaque to callers, a word for what is counted and a place behind which to go on."""

import base64
import binascii

from backburner.core.errors import InvalidArgument, Violation

_DIGITS = 18  # fits SQLite


def encode(kind: str, place: int) -> str:
    return base64.urlsafe_b64encode(f"{kind}:{place}".encode()).decode().rstrip("=")


def decode(cursor: str, kind: str) -> int:
    """Raises InvalidArgument for a cursor that we did not make, or made for something else."""
    try:
        found, _, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
        if found == kind and number.isascii() and number.isdigit() and len(number) <= _DIGITS:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    words = "expected the one that an earlier answer to the same question gave"
    raise InvalidArgument("cursor is not one of ours", violations=[Violation("cursor", words)])
