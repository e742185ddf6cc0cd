"""Page tokens: opaque to callers, newest first, and never one whose page would be empty (contract 1.6)."""

import base64
import binascii
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from backburner.core.errors import InvalidArgument, Violation


class _Dated(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> float: ...


T = TypeVar("T", bound=_Dated)


class Page(msgspec.Struct, Generic[T], frozen=True):
    items: list[T]
    next_token: str = ""


def size(asked: int | None, default: int, most: int) -> int:
    """Raises InvalidArgument for a negative size; 0 and None mean the default, too many means the most."""
    if asked is not None and asked < 0:
        raise InvalidArgument(
            "pageSize is negative",
            violations=[Violation("pageSize", f"expected 1 to {most}, found {asked}")],
        )
    return min(asked or default, most)


def decode(token: str | None) -> tuple[float, str] | None:
    """(created_at, id) of the last item seen. Raises InvalidArgument for a token we did not make."""
    if not token:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[float, str])
    except (binascii.Error, ValueError):
        raise InvalidArgument(
            "pageToken is not one of ours",
            violations=[Violation("pageToken", "expected the nextPageToken of an earlier answer")],
        ) from None


def page(fetch: Callable[[int, tuple[float, str] | None], list[T]], count: int, token: str | None) -> Page[T]:
    items = fetch(count + 1, decode(token))
    if len(items) <= count:
        return Page(items)
    last = items[count - 1]
    encoded = base64.urlsafe_b64encode(msgspec.json.encode((last.created_at, last.id))).decode()
    return Page(items[:count], encoded)
