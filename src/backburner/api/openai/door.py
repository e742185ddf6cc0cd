"""The OpenAI door as an ASGI application: find the route, know the caller, answer; refusals in OpenAI's words."""

import logging

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backburner.api import answers, auth
from backburner.api.bodies import Inbox
from backburner.api.openai.call import ROOTS, Call, Route
from backburner.api.openai.refusals import refused_response
from backburner.api.openai.routes import ROUTES
from backburner.api.services import Services
from backburner.core.errors import NotFound, Refused
from backburner.core.names import mint
from backburner.dialects.openai.errors import error_object

log = logging.getLogger("backburner.api")


class OpenAIDoor:
    def __init__(self, services: Services, root: str) -> None:
        self._services = services
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inbox = Inbox(receive)
        request = Request(scope, inbox)
        try:
            response = await self._answer(request)
            if response.status_code >= 400:
                await inbox.drain("expect" in request.headers)
        except ClientDisconnect:
            return  # nobody is listening
        response.headers["x-request-id"] = f"req_{mint(24)}"
        await response(scope, inbox, send)

    async def _answer(self, request: Request) -> Response:
        name = ""
        try:
            route, name = self._find(request)
            asker = await auth.asker(request, self._services)
            return await route.answer(Call(self._services, request, asker, ROOTS[self._root], name))
        except Refused as refused:
            return refused_response(refused, name)
        except ClientDisconnect:
            raise
        except Exception:  # the HTTP edge: a bug is our 500, with its trace in the log alone
            log.exception("event=answer_broken method=%s path=%s", request.method, request.url.path)
            words = "Backburner met a bug of its own; the server's log has the details"
            return answers.json(msgspec.json.encode(error_object(500, words)), 500)

    def _find(self, request: Request) -> tuple[Route, str]:
        path = str(request.scope["path"]).removeprefix(self._root).rstrip("/")
        for route in ROUTES:
            name = route.match(path)
            if name is not None and route.method == request.method:
                return route, name
        raise NotFound(
            f"Invalid URL ({request.method} {self._root}{path}). There is "
            + ", ".join(f"{route.method} {self._root}{route.path}" for route in ROUTES),
            reason="NO_SUCH_METHOD",
        )
