"""Who is calling, and whether a page in somebody's browser is.

A key comes as `x-goog-api-key`, `x-api-key`, `?key=` or a Bearer token (contract 0.3, 6.1), or stands behind the
console's session. Without keys the server is bound to loopback and serves anyone there; then Host and Origin are
checked, because a web page can make a browser send requests to 127.0.0.1 under a name of its own (DNS rebinding).
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from backburner.api import trail
from backburner.api.services import Services
from backburner.api.sessions import session_key
from backburner.core.errors import PermissionDenied
from backburner.service.keys import Asker

LOOPBACK: frozenset[str] = frozenset(("localhost", "127.0.0.1", "::1"))
KEY_HEADER = "x-goog-api-key"
ANTHROPIC_KEY_HEADER = "x-api-key"


def presented_key(request: Request) -> str | None:
    for found in (KEY_HEADER, ANTHROPIC_KEY_HEADER):
        if key := request.headers.get(found):
            return key
    if key := request.query_params.get("key"):
        return key
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def asker(request: Request, services: Services) -> Asker:
    """Raises Unauthenticated, or PermissionDenied for a request that a foreign page made."""
    if not services.keys.required:
        check_local(request, services)
    key = presented_key(request) or session_key(request, services.sessions, services.clock.now())
    who = await services.keys.asker(key)
    trail.came(request, who)
    return who


def check_local(request: Request, services: Services) -> None:
    known = set(LOOPBACK)
    if services.public_url:
        known.add(urlsplit(services.public_url).hostname or "")
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    origin = request.headers.get("origin")
    for name, what in ((host, "Host"), (urlsplit(origin).hostname or "null" if origin else None, "Origin")):
        if name is not None and name not in known:
            raise PermissionDenied(
                f"this server has no keys and therefore answers only callers on this machine; the {what} header "
                f"says {name!r}. Make a key (backburner keys create) or set public_url",
                reason="FOREIGN_HOST",
            )


def require_header(request: Request) -> None:
    """For the two state-changing GETs of the documentation: a page can make a browser send a GET, but not one
    with this header."""
    if not request.headers.get(KEY_HEADER):
        raise PermissionDenied(
            f"a GET that changes something needs the key in the {KEY_HEADER} header; or use POST or DELETE",
            reason="KEY_HEADER_MISSING",
        )
