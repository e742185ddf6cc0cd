"""The page's files, read once at start, under a Content-Security-Policy that lets nothing else in.

Everything that a model answers is shown by this page, so it must not be able to do anything: no inline script or
style, no other origin, no frame. What changes with a release is asked for again each time (ETag).
"""

import hashlib
from importlib.resources import files

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from backburner.core.errors import NotFound

INDEX = "index.html"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Page(msgspec.Struct, frozen=True):
    body: bytes
    media_type: str
    etag: str


def read_pages() -> dict[str, Page]:
    """By file name."""
    found: dict[str, Page] = {}
    for file in files("backburner.console").joinpath("static").iterdir():
        media_type = _TYPES.get(f".{file.name.rpartition('.')[2]}")
        if media_type is not None:
            body = file.read_bytes()
            found[file.name] = Page(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"')
    return found


class Pages:
    def __init__(self) -> None:
        self._pages = read_pages()

    def answer(self, request: Request, name: str) -> Response:
        """Raises NotFound."""
        page = self._pages.get(name)
        if page is None:
            raise NotFound(f"the console has no file {name!r}", reason="NO_SUCH_PAGE")
        headers = {**HEADERS, "etag": page.etag}
        if request.headers.get("if-none-match") == page.etag:
            return Response(status_code=304, headers=headers)
        return Response(page.body, headers=headers, media_type=page.media_type)
