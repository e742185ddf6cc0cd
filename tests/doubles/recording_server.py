"""A test double: an OpenAI-compatible server that echoes, records every request, and fails on demand.

    async with RecordingServer(kind="vllm") as server:      # in the test's own event loop
        server.next(Answer(429, headers={"Retry-After": "2"}), Cut())
        ...
        server.chats[0].json["messages"]

    with RecordingServer().in_thread() as server: ...       # for tests that do not run a loop

Faults are taken one by one by the calls that come next (not by listings and probes); `always` sets one for
all calls after them.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from tests.doubles.in_thread import in_thread

OWNERS = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp", "ollama": "library", "openai": "system"}
CACHED_TOKENS = 1


@dataclass
class Recorded:
    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.raw)


@dataclass
class Answer:
    """This instead of an echo. `body` is JSON unless bytes."""

    status: int = 200
    body: Any = field(default_factory=lambda: {"error": {"message": "as the test asked"}})
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)


@dataclass
class Cut:
    """The connection ends before the answer, or after `after` bytes of it."""

    after: int | None = None


@dataclass
class Slow:
    """The echo, `delay_s` later."""

    delay_s: float


@dataclass
class Hang:
    """No answer until the caller goes; after the head of one and the first event, if `after_head`."""

    after_head: bool = False


Fault = Answer | Cut | Slow | Hang


class RecordingServer:
    def __init__(
        self, kind: str = "vllm", models: tuple[str, ...] = ("chat-model", "embed-model"), api_key: str = ""
    ) -> None:
        self.kind = kind
        self.models = models
        self.api_key = api_key
        self.requests: list[Recorded] = []
        self.held = 0  # calls that hang or are slow, at this moment
        self.connections: set[Any] = set()  # peers seen
        self.always: Fault | None = None
        self.port = 0
        self._faults: deque[Fault] = deque()
        self._runner: web.AppRunner | None = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    @property
    def chats(self) -> list[Recorded]:
        return [each for each in self.requests if each.path.endswith("/chat/completions")]

    @property
    def embeds(self) -> list[Recorded]:
        return [each for each in self.requests if each.path.endswith("/embeddings")]

    def next(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    async def __aenter__(self) -> "RecordingServer":
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/version", self._version)
        app.router.add_get("/api/version", self._version)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embed)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_post("/apply-template", self._template)
        # A handler is cancelled when its caller goes: that is how `held` falls.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def listen(self) -> None:
        """Takes connections, again at the same port after `deafen`."""
        assert self._runner is not None
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def deafen(self) -> None:
        """Refuses connections, as a server that is down."""
        assert self._runner is not None
        for site in list(self._runner.sites):
            await site.stop()
        assert self._runner.server is not None
        for connection in list(self._runner.server.connections):
            connection.force_close()

    def in_thread(self) -> AbstractContextManager["RecordingServer"]:
        return in_thread(self)

    async def _record(self, request: web.Request) -> None:
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        raw = await request.read()
        self.requests.append(Recorded(request.method, request.path, dict(request.headers), raw))
        if self.api_key and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            raise web.HTTPUnauthorized(
                text='{"error": {"message": "Incorrect API key provided"}}', content_type="application/json"
            )

    async def _models(self, request: web.Request) -> web.Response:
        await self._record(request)
        owner = OWNERS.get(self.kind, self.kind)
        data: list[dict[str, Any]] = [
            {"id": model, "object": "model", "owned_by": owner} for model in self.models
        ]
        if self.kind in ("vllm", "sglang"):
            data = [model | {"max_model_len": 2048} for model in data]
        return web.json_response({"object": "list", "data": data})

    async def _version(self, request: web.Request) -> web.Response:
        await self._record(request)
        served = {"/version": "vllm", "/api/version": "ollama"}[request.path]
        if self.kind != served:
            raise web.HTTPNotFound
        return web.json_response({"version": "0.33.0"})

    async def _tokenize(self, request: web.Request) -> web.Response:
        await self._record(request)
        asked = msgspec.json.decode(await request.read())
        if self.kind == "vllm" and "content" not in asked:
            prompt = asked.get("prompt") or " ".join(_text(each) for each in asked["messages"])
            tokens = list(range(len(prompt.split())))
            return web.json_response({"count": len(tokens), "max_model_len": 2048, "tokens": tokens})
        if self.kind == "llamacpp":
            return web.json_response({"tokens": list(range(len(asked["content"].split())))})
        raise web.HTTPNotFound

    async def _template(self, request: web.Request) -> web.Response:
        await self._record(request)
        if self.kind != "llamacpp":
            raise web.HTTPNotFound
        messages = msgspec.json.decode(await request.read())["messages"]
        return web.json_response({"prompt": " ".join(_text(each) for each in messages)})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        await self._record(request)
        asked = msgspec.json.decode(await request.read())
        missing = self._unknown(asked["model"])
        if asked.get("stream"):
            return await self._reply(request, missing or b"".join(_events(asked)), "text/event-stream")
        return await self._reply(request, missing or msgspec.json.encode(_completion(asked)))

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        await self._record(request)
        asked = msgspec.json.decode(await request.read())
        width = asked.get("dimensions") or 4
        data = [
            {"object": "embedding", "index": place, "embedding": [float(sum(text.encode()))] * width}
            for place, text in enumerate(asked["input"])
        ]
        usage = {"prompt_tokens": len(data), "total_tokens": len(data)}
        body = {"object": "list", "model": asked["model"], "data": data, "usage": usage}
        return await self._reply(request, self._unknown(asked["model"]) or msgspec.json.encode(body))

    def _unknown(self, model: str) -> Answer | None:
        if model in self.models:
            return None
        words = f"The model `{model}` does not exist."
        return Answer(404, {"error": {"message": words, "type": "NotFoundError", "code": 404}})

    async def _reply(
        self, request: web.Request, usual: bytes | Answer, content_type: str = "application/json"
    ) -> web.StreamResponse:
        fault = self._faults.popleft() if self._faults else self.always
        match fault:
            case Slow():
                async with self._holding():
                    await asyncio.sleep(fault.delay_s)
            case Hang(after_head=False):
                async with self._holding():
                    await asyncio.Event().wait()
            case Hang():
                return await self._begin_and_hang(request, content_type)
            case Cut():
                assert isinstance(usual, bytes)
                return await self._cut(request, usual, fault.after, content_type)
            case Answer():
                usual = fault
            case None:
                pass
        if isinstance(usual, Answer):
            headers = {"Content-Type": content_type, **usual.headers}
            return web.Response(status=usual.status, body=usual.raw, headers=headers)
        return web.Response(body=usual, content_type=content_type)

    @contextlib.asynccontextmanager
    async def _holding(self) -> AsyncGenerator[None]:
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1

    async def _begin_and_hang(self, request: web.Request, content_type: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        async with self._holding():
            await response.prepare(request)
            await response.write(b": so far so good\n\n")
            await asyncio.Event().wait()
        return response

    @staticmethod
    async def _cut(
        request: web.Request, usual: bytes, after: int | None, content_type: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": content_type, "Content-Length": str(len(usual))}
        )
        if after is not None:
            await response.prepare(request)
            await response.write(usual[:after])
        assert request.transport is not None
        request.transport.close()
        return response


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part.get("type") == "text")


def _completion(asked: dict[str, Any]) -> dict[str, Any]:
    text = _text(asked["messages"][-1])
    prompt, output = sum(len(_text(each).split()) for each in asked["messages"]), len(text.split())
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        },
    }


def _events(asked: dict[str, Any]) -> Iterator[bytes]:
    whole = _completion(asked)
    text: str = whole["choices"][0]["message"]["content"]
    half = len(text) // 2
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": text[:half]}, None),
        ({"content": text[half:]}, None),
        ({}, "stop"),
    ]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": whole["model"]}
    for delta, reason in deltas:
        yield _event(chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield _event(chunk | {"choices": [], "usage": whole["usage"]})
    yield b"data: [DONE]\n\n"


def _event(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
