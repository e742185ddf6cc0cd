"""The console's paths: `/`, its files under `/console/`, and `/console/session`, where one signs in and out.

Whether a key is right is the keys' business (service/keys.py), whose call it is api/auth.py's; here is only the
cookie.
"""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backburner.api import answers, auth, bodies
from backburner.api.native.errors import refused_response
from backburner.api.services import Services
from backburner.api.sessions import COOKIE, HEADER, SESSION_S, session_key
from backburner.console.pages import INDEX, Pages
from backburner.core.errors import InvalidArgument, PermissionDenied, Refused, Unauthenticated, Violation
from backburner.core.limits import MIB

Answer = Callable[[Request], Awaitable[Response]]


class SignIn(msgspec.Struct, frozen=True):
    key: str


class SessionBody(msgspec.Struct, frozen=True):
    """`required`: this server wants a key. `tenant` is null for who has not signed in."""

    required: bool
    tenant: str | None


def routes(services: Services) -> list[Route]:
    pages, door = Pages(), SessionDoor(services)

    async def index(request: Request) -> Response:
        return pages.answer(request, INDEX)

    async def file(request: Request) -> Response:
        return pages.answer(request, request.path_params["name"])

    return [
        Route("/", _refusing(index)),
        Route("/console/session", _refusing(door.answer), methods=["GET", "POST", "DELETE"]),
        Route("/console/{name:str}", _refusing(file)),
    ]


def _refusing(answer: Answer) -> Answer:
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            return refused_response(refused)

    return answered


class SessionDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, request: Request) -> Response:
        """Raises Refused."""
        if not self._services.keys.required:
            auth.check_local(request, self._services)
        if HEADER not in request.headers:
            words = f"only the console's own page may ask this; it sends the header {HEADER}"
            raise PermissionDenied(words, reason="NOT_THE_CONSOLE")
        if request.method == "POST":
            return await self._sign_in(request)
        if request.method == "DELETE":
            return self._sign_out(request)
        return self._told(await self._tenant(request))

    async def _tenant(self, request: Request) -> str | None:
        services = self._services
        key = session_key(request, services.sessions, services.clock.now())
        try:
            return (await services.keys.asker(key)).tenant
        except Unauthenticated:
            return None

    async def _sign_in(self, request: Request) -> Response:
        services = self._services
        raw = await bodies.read(request, MIB, "A key is a few dozen characters")
        try:
            asked = msgspec.json.decode(raw, type=SignIn)
        except msgspec.DecodeError as error:
            raise InvalidArgument(
                f'expected {{"key": "..."}}: {error}', violations=[Violation("key", str(error))]
            ) from None
        key = asked.key.strip()
        tenant = (await services.keys.asker(key)).tenant
        response = self._told(tenant)
        if services.keys.required:
            response.set_cookie(
                COOKIE,
                services.sessions.start(key, services.clock.now()),
                max_age=int(SESSION_S),
                path="/",
                secure=request.url.scheme == "https" or services.public_url.startswith("https:"),
                httponly=True,
                samesite="strict",
            )
        return response

    def _sign_out(self, request: Request) -> Response:
        self._services.sessions.end(request.cookies.get(COOKIE, ""))
        response = self._told(None)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    def _told(self, tenant: str | None) -> Response:
        body = msgspec.json.encode(SessionBody(self._services.keys.required, tenant))
        return answers.json(body, headers={"cache-control": "no-store"})
