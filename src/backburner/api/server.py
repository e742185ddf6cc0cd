"""The ASGI application: which door a path belongs to, and the few pages that are nobody's dialect."""

from collections.abc import Sequence

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from backburner import __version__
from backburner.api import answers
from backburner.api import metrics as prometheus
from backburner.api.anthropic.call import ROOT as ANTHROPIC_ROOT
from backburner.api.anthropic.door import AnthropicDoor, AnthropicSign
from backburner.api.gemini.door import GeminiDoor, refused_response
from backburner.api.native.bodies import PREFIX
from backburner.api.native.door import NativeDoor
from backburner.api.native.errors import refused_response as native_refusal
from backburner.api.openai.call import ROOTS as OPENAI_ROOTS
from backburner.api.openai.door import OpenAIDoor
from backburner.api.openai.sign import OpenAISign
from backburner.api.openapi import document
from backburner.api.services import Services
from backburner.api.watched import Watched
from backburner.core.errors import NotFound, Refused
from backburner.dialects.gemini.line_schema import line_schema


def application(services: Services, pages: Sequence[BaseRoute] = ()) -> ASGIApp:
    """`pages` are the console's, which stands above this room."""

    async def health(_: Request) -> Response:
        return answers.json(msgspec.json.encode({"status": "ok", "version": __version__}))

    async def ready(_: Request) -> Response:
        found = await services.health.readiness()
        return answers.json(msgspec.json.encode(found), 200 if found.ready else 503)

    async def metrics(request: Request) -> Response:
        try:
            return await prometheus.metrics(request, services)
        except Refused as refused:
            return native_refusal(refused)

    async def openapi(request: Request) -> Response:
        return answers.json(msgspec.json.encode(document(str(request.base_url).rstrip("/"))))

    async def schema(request: Request) -> Response:
        try:
            return answers.json(msgspec.json.encode(line_schema(request.path_params["kind"])))
        except NotFound as refused:
            return refused_response(refused)

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/metrics", metrics),
            Route("/openapi.json", openapi),
            Route("/schemas/{kind:str}.json", schema),
            *pages,
            Mount(PREFIX, NativeDoor(services)),
            Mount(ANTHROPIC_ROOT, AnthropicDoor(services)),
            *[Mount(root, OpenAIDoor(services, root)) for root in OPENAI_ROOTS],
            Mount("/", AnthropicSign(services, OpenAISign(services, GeminiDoor(services)))),
        ],
        middleware=[Middleware(Watched, services=services), Middleware(answers.CanonicalContentType)],
    )
