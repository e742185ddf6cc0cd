"""Stands in front of another door and sends clients of OpenAI's to theirs, in their own error shape (design,
section 8): paths that only OpenAI has, and those that Google has too when OpenAI's SDK asks for them."""

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from backburner.api.bodies import Inbox
from backburner.api.openai.call import ROOT
from backburner.api.openai.refusals import refused_response
from backburner.api.services import Services
from backburner.core.errors import NotFound

_VERSIONS = ("v1", "v1beta", "v1alpha", "openai")
_OURS = frozenset(("chat", "completions", "embeddings", "responses", "moderations", "images", "audio"))
_SHARED = frozenset(("files", "batches", "models", "uploads"))
_SDK = "x-stainless-"  # what the headers of OpenAI's SDKs begin with


class OpenAISign:
    def __init__(self, services: Services, door: ASGIApp) -> None:
        self._services = services
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not astray(Request(scope)):
            await self._door(scope, receive, send)
            return
        inbox = Inbox(receive)
        request = Request(scope, inbox)
        public = self._services.public_url.rstrip("/")
        base = (public or f"{request.url.scheme}://{request.url.netloc}") + ROOT
        refused = NotFound(
            f"{request.method} {scope['path']} is not where this server speaks OpenAI's API. "
            f'Set base_url="{base}" in the SDK, or OPENAI_BASE_URL={base}',
            reason="WRONG_BASE_URL",
        )
        response = refused_response(refused)
        try:
            await inbox.drain("expect" in request.headers)
        except ClientDisconnect:
            return  # nobody is listening
        await response(scope, inbox, send)


def astray(request: Request) -> bool:
    parts = str(request.scope["path"]).strip("/").split("/")
    if parts[0] in _VERSIONS:
        parts.pop(0)
    collection = parts[0] if parts else ""
    if collection in _OURS:
        return True
    return collection in _SHARED and any(name.startswith(_SDK) for name in request.headers)
