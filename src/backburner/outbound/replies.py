"""What comes back over HTTP: a reply, of any status, or why there is none."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Lost(StrEnum):
    UNREACHABLE = "unreachable"  # refused, no such host, no route, TLS failed
    CUT = "cut"  # before or within the answer
    LATE = "late"  # past the deadline
    TOO_LARGE = "too large"


class NoReply(Exception):
    """No usable reply; `words` are for a person and hold nothing of what was sent."""

    def __init__(self, lost: Lost, words: str) -> None:
        super().__init__(words)
        self.lost = lost
        self.words = words


class Reply(msgspec.Struct, frozen=True):
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
