"""The native API as an ASGI application: find the route, know the caller, answer; refusals in its own words."""

import logging
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backburner.api import auth
from backburner.api.bodies import Inbox
from backburner.api.native.bodies import PREFIX
from backburner.api.native.call import Call, Route
from backburner.api.native.errors import NoSuchMethod, broken_response, refused_response
from backburner.api.native.routes import ROUTES
from backburner.api.services import Services
from backburner.core.errors import NotFound, Refused

NO_JOB = "JOB_NOT_FOUND"
NO_FILE = "FILE_NOT_FOUND"

log = logging.getLogger("backburner.api")


class NativeDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inbox = Inbox(receive)
        request = Request(scope, inbox)
        try:
            response = await self._answer(request)
            if response.status_code >= 400:
                await inbox.drain("expect" in request.headers)
        except ClientDisconnect:
            return  # nobody is listening
        await response(scope, inbox, send)

    async def _answer(self, request: Request) -> Response:
        name = ""
        try:
            route, name = found(request.method, request.url.path.removeprefix(PREFIX))
            asker = await auth.asker(request, self._services)
            route.check(request)
            return await route.answer(Call(self._services, request, asker, name))
        except Refused as refused:
            return refused_response(_named(refused, name))
        except ClientDisconnect:
            raise
        except Exception:  # the HTTP edge: a bug is our 500, with its trace in the log alone
            log.exception("event=answer_broken method=%s path=%s", request.method, request.url.path)
            return broken_response()


def _named(refused: Refused, name: str) -> Refused:
    """The dialects' words for a job or a file that is not there are those of the services they stand for."""
    if refused.reason == NO_JOB:
        return NotFound(f"there is no job {name}", reason=NO_JOB)
    if refused.reason == NO_FILE:
        there = f"there is no file {name}" if name else "there is no such file"
        return NotFound(f"{there}; files go some time after their upload", reason=NO_FILE)
    return refused


def found(method: str, path: str) -> tuple[Route, str]:
    """The route of a path behind /api/v1, and the name in it. Raises NoSuchMethod."""
    path = unquote(path).rstrip("/")
    allowed: list[str] = []
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match is None:
            continue
        if route.method == method:
            return route, match.groupdict().get("id", "")
        allowed.append(route.method)
    words = f"{method} {PREFIX}{path} is not a method of this API; /openapi.json lists them all"
    raise NoSuchMethod(words, tuple(allowed))
