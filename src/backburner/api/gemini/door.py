"""The Gemini door as an ASGI application: find the route, know the caller, answer; refusals in Google's words."""

import logging

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backburner.api import answers, auth
from backburner.api.bodies import Inbox
from backburner.api.gemini.batches import InputRefused
from backburner.api.gemini.call import Call, Route, Target, take_apart
from backburner.api.gemini.routes import TABLE, VERBS
from backburner.api.services import Services
from backburner.core.errors import Code, NotFound, Refused
from backburner.dialects.gemini.status import error_of, status
from backburner.service.keys import Asker

log = logging.getLogger("backburner.api")


class GeminiDoor:
    def __init__(self, services: Services) -> None:
        self._services = services

    @staticmethod
    def knows(path: str) -> bool:
        """Whether a path is one of this door's at all, for the door-keeper in front."""
        return take_apart(path, VERBS) is not None

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
        try:
            target, route = self._find(request)
            return await route.answer(await self._call(request, target))
        except InputRefused as found:
            return refused_response(found.refused, found.input_name)
        except Refused as refused:
            return refused_response(refused)
        except ClientDisconnect:
            raise
        except Exception:  # the HTTP edge: a bug is our 500, with its trace in the log alone
            log.exception("event=answer_broken method=%s path=%s", request.method, request.url.path)
            words = "Backburner met a bug of its own; the server's log has the details"
            return answers.json(msgspec.json.encode(error_of(Code.INTERNAL, words)), 500)

    @staticmethod
    def _find(request: Request) -> tuple[Target, Route]:
        target = take_apart(request.url.path, VERBS)
        if target is not None:
            method = "GET" if request.method == "HEAD" else request.method
            key = (method, target.prefix, target.collection, bool(target.name), target.verb)
            route = TABLE.get(key)
            if route is not None:
                return target, route
        raise NotFound(
            f"{request.method} {request.url.path} is not a method of this API; /openapi.json lists them all",
            reason="NO_SUCH_METHOD",
        )

    async def _call(self, request: Request, target: Target) -> Call:
        if target.prefix == "upload" and request.query_params.get("upload_id"):
            asker = Asker("")  # the upload's id is the credential (contract 0.3)
        else:
            asker = await auth.asker(request, self._services)
        name = target.name
        if target.collection in ("tunedModels", "dynamic") and name:
            name = f"{target.collection}/{name}"
        return Call(self._services, request, asker, target.version, target.collection, name)


def refused_response(refused: Refused, input_name: str | None = None) -> Response:
    http, body = status(refused, input_name=input_name)
    headers = {}
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(refused.retry_after_s)))
    return answers.json(msgspec.json.encode(body), http, headers)
