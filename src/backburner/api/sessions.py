"""Sessions of the console: a random token in a cookie stands for the API key that somebody signed in with.

Kept in memory, so they end with the process. A session holds the key, not the tenant: every call asks the keys again,
and a key that was revoked is refused at once. The page that made a call must show that it is ours
(`from_console`): another page can make a browser send the cookie, but not the header.
"""

import hashlib
import secrets
from collections import OrderedDict

import msgspec
from starlette.requests import Request

COOKIE = "backburner_session"
HEADER = "x-backburner-console"
SESSION_S = 12 * 3600.0
SESSIONS = 1000  # at once; the oldest goes when another one comes


class _Session(msgspec.Struct, frozen=True):
    key: str
    end_at: float


class Sessions:
    def __init__(self) -> None:
        self._open: OrderedDict[bytes, _Session] = OrderedDict()

    def start(self, key: str, now: float) -> str:
        """The token of a new session. Whether the key is one has been asked before."""
        token = secrets.token_urlsafe(32)
        self._open[_digest(token)] = _Session(key, now + SESSION_S)
        while len(self._open) > SESSIONS:
            self._open.popitem(last=False)
        return token

    def key_of(self, token: str, now: float) -> str | None:
        """None when there is no such session, or its time is up."""
        digest = _digest(token)
        found = self._open.get(digest)
        if found is not None and found.end_at <= now:
            del self._open[digest]
            return None
        return found.key if found is not None else None

    def end(self, token: str) -> None:
        self._open.pop(_digest(token), None)


def from_console(request: Request) -> bool:
    """A page of another origin cannot send the header. A download is a plain link, which cannot carry it: there the
    browser's own word counts, for what changes nothing."""
    if HEADER in request.headers:
        return True
    return request.method == "GET" and request.headers.get("sec-fetch-site") == "same-origin"


def session_key(request: Request, sessions: Sessions, now: float) -> str | None:
    """The key behind the cookie of a call that our own page made."""
    token = request.cookies.get(COOKIE)
    return sessions.key_of(token, now) if token and from_console(request) else None


def _digest(token: str) -> bytes:
    """What is looked up by: comparing digests tells an attacker nothing about tokens."""
    return hashlib.sha256(token.encode()).digest()
