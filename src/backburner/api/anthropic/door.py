"""The Anthropic door as an ASGI application: find the route, know the caller, answer; refusals in Anthropic's
words. Beside it, the sign for clients of Anthropic's that knock at another door."""

import logging

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from backburner.api import answers, auth
from backburner.api.anthropic.call import ROOT, Call, Route, base_url
from backburner.api.anthropic.routes import ROUTES
from backburner.api.bodies import Inbox
from backburner.api.services import Services
from backburner.core.errors import Code, NotFound, Refused
from backburner.core.names import mint
from backburner.dialects.anthropic.errors import error_object, refusal

log = logging.getLogger("backburner.api")

VERSION_HEADER = "anthropic-version"  # every client of Anthropic's sends it
MESSAGES = "/v1/messages"  # a path that no other door has


class AnthropicDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inbox = Inbox(receive)
        request = Request(scope, inbox)
        request_id = f"req_{mint(24)}"
        try:
            response = await self._answer(request, request_id)
            if response.status_code >= 400:
                await inbox.drain("expect" in request.headers)
        except ClientDisconnect:
            return  # nobody is listening
        response.headers["request-id"] = request_id
        await response(scope, inbox, send)

    async def _answer(self, request: Request, request_id: str) -> Response:
        try:
            route, name = self._find(request)
            asker = await auth.asker(request, self._services)
            return await route.answer(Call(self._services, request, asker, request_id, name))
        except Refused as refused:
            return refused_response(refused, request_id)
        except ClientDisconnect:
            raise
        except Exception:  # the HTTP edge: a bug is our 500, with its trace in the log alone
            log.exception("event=answer_broken method=%s path=%s", request.method, request.url.path)
            words = "Backburner met a bug of its own; the server's log has the details"
            return answers.json(msgspec.json.encode(error_object(Code.INTERNAL, words, request_id)), 500)

    @staticmethod
    def _find(request: Request) -> tuple[Route, str]:
        path = request.url.path.rstrip("/")
        for route in ROUTES:
            name = route.match(request.method, path)
            if name is not None:
                return route, name
        there = ", ".join(f"{route.method} {ROOT}{route.path}" for route in ROUTES)
        raise NotFound(
            f"{request.method} {request.url.path} is not served here; there is {there}",
            reason="NO_SUCH_METHOD",
        )


class AnthropicSign:
    """Stands in front of another door and sends clients of Anthropic's to theirs, in their own error shape."""

    def __init__(self, services: Services, door: ASGIApp) -> None:
        self._services = services
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not astray(Request(scope)):
            await self._door(scope, receive, send)
            return
        inbox = Inbox(receive)
        request = Request(scope, inbox)
        request_id = f"req_{mint(24)}"
        base = base_url(self._services, request) + ROOT
        refused = NotFound(
            f"{request.url.path} is not where this server speaks Anthropic's API. "
            f'Set base_url="{base}" in the SDK, or call {base}/v1/messages',
            reason="WRONG_BASE_URL",
        )
        response = refused_response(refused, request_id)
        try:
            await inbox.drain("expect" in request.headers)
        except ClientDisconnect:
            return
        await response(scope, inbox, send)


def astray(request: Request) -> bool:
    path = request.url.path
    return VERSION_HEADER in request.headers or path == MESSAGES or path.startswith(MESSAGES + "/")


def refused_response(refused: Refused, request_id: str) -> Response:
    http, body = refusal(refused, request_id)
    headers = {"request-id": request_id}
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(refused.retry_after_s)))
    if http in (409, 413):
        headers["x-should-retry"] = "false"  # the SDKs would send a 409 again, to the same end
    return answers.json(msgspec.json.encode(body), http, headers)
