"""An engine behind any OpenAI-compatible base URL: vLLM, SGLang, llama.cpp, Ollama, hosted APIs.

It sends a call as that kind of server wants it (server_kinds.py), reads what comes back (openai_bodies.py)
and names what goes wrong (openai_trouble.py). It asks the server at the start, and then now and again, what
kind it is, which models it has and whether it is there. It never tries again: that is policy's business.
Images come as data: URLs in the messages and pass through unchanged.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from urllib.parse import urlsplit

from backburner.core.clock import Clock
from backburner.core.errors import InvalidArgument
from backburner.core.exchange import (
    Answer,
    Call,
    Capabilities,
    Delta,
    Feature,
    Json,
    Trouble,
    TroubleKind,
    unsupported,
)
from backburner.engines.openai_bodies import (
    ErrorInside,
    Unreadable,
    answer_body,
    delta_of,
    ends,
    json_object_in,
    path_of,
    request_bytes,
    usage_of,
)
from backburner.engines.openai_tokens import count
from backburner.engines.openai_trouble import status_in, trouble_of_loss, trouble_of_reply, unreadable
from backburner.engines.protocol import EngineStatus, Health, ModelInfo
from backburner.engines.server_kinds import (
    AUTO,
    GENERIC,
    PROBES,
    SLOTS_MAX,
    ServerKind,
    model_info,
    named_kind,
    recognised,
)
from backburner.engines.upstream_health import UpstreamHealth
from backburner.outbound.events import event_data
from backburner.outbound.http import Http, NoReply, Reply

PROBE_S = 5.0
WATCH_S = 60.0  # models come and go (LoRA adapters, `ollama pull`)
WATCH_DOWN_S = 5.0
_SPARE_CONNECTIONS = 16  # beside the slots: probes, and interactive calls above the pace


class OpenAIEngine:
    """`models` empty asks the server. `features` replaces what the kind's row says. `slots` is how many calls at once
    it takes; 0: at most `slots_max`, or what the row says. `base_url` with or without its `/v1`; one with another
    path is taken as it is."""

    def __init__(
        self,
        name: str,
        base_url: str,
        clock: Clock,
        *,
        api_key: str | None = None,
        kind: str = AUTO,
        models: Sequence[str] = (),
        slots: int = 0,
        slots_max: int = 0,
        features: frozenset[Feature] | None = None,
        environment_proxies: bool = False,
    ) -> None:
        self._name = name
        self._base, self._root, self._host = _urls(base_url)
        self._clock = clock
        self._api_key = api_key
        self._kind = named_kind(kind)
        self._models = tuple(models)
        self._listed: dict[str, ModelInfo] | None = None
        self._slots = slots
        self._slots_max = slots_max
        self._features = features
        self._environment_proxies = environment_proxies
        self._health = UpstreamHealth()
        self._http: Http | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> ServerKind:
        """What the server is taken for, at this moment."""
        return self._kind or GENERIC

    async def start(self) -> None:
        if self._http is None:
            self._http = Http(
                self._clock,
                connections=(self._slots or self._slots_max or SLOTS_MAX) + _SPARE_CONNECTIONS,
                environment_proxies=self._environment_proxies,
                headers={"authorization": f"Bearer {self._api_key}"} if self._api_key else {},
            )
            await self.ask()
            self._watch = asyncio.create_task(self._keep_asking())

    async def stop(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        if self._http is not None:
            await self._http.close()
            self._http = None

    def status(self) -> EngineStatus:
        return self._health.status()

    def models(self) -> list[ModelInfo]:
        if self._models:
            return [self._info(model) for model in self._models]
        return list((self._listed or {}).values())

    def capabilities(self, model: str) -> Capabilities | None:
        """While the server has not been reached, any name may turn out to be one of its models."""
        served = self._models or self._listed
        if served is None or model in served or f"{model}:latest" in served:  # Ollama's tag for no tag
            return self._info(model).capabilities
        return None

    def revision(self, model: str) -> str:
        """The server's own revisions cannot be seen."""
        return self._base

    async def call(self, call: Call, deadline_s: float) -> Answer | Trouble:
        refusal = self._refusal(call)
        if refusal is not None:
            return refusal
        result = await self._answer(call, deadline_s)
        self._health.note(result)
        return result

    async def stream(self, call: Call, deadline_s: float) -> AsyncIterator[Delta | Trouble]:
        refusal = self._refusal(call)
        if refusal is not None:
            yield refusal
            return
        pieces = self._pieces(call, deadline_s)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                self._health.note(piece)
                yield piece

    async def count_tokens(self, model: str, body: dict[str, Json]) -> int | Trouble:
        return await count(self._name, self.kind, self._root, self._post, model, body)

    async def ask(self) -> None:
        """Asks the server for its models: learns what it is and whether it is there."""
        try:
            reply = await self._get(f"{self._base}/models")
        except NoReply as loss:
            self._health.ill(trouble_of_loss(self._name, loss, PROBE_S).message)
            return
        listing = _listing(reply) if reply.status == 200 else None
        if listing is not None:
            await self._learn(listing)
            self._health.well()
        elif reply.status in (401, 403) or reply.status >= 500:
            self._health.ill(self._trouble(reply.status, reply).message)
        else:  # a server without a list of models is still a server
            self._health.well()

    async def _learn(self, listing: list[dict[str, Json]]) -> None:
        if self._kind is None:
            self._kind = recognised(listing, self._host) or await self._probed()
        infos = [
            model_info(each, self.kind, self._features, self._slots, self._slots_max) for each in listing
        ]
        self._listed = {info.id: info for info in infos}

    async def _probed(self) -> ServerKind:
        for path, kind in PROBES.items():
            with contextlib.suppress(NoReply):
                reply = await self._get(self._root + path)
                if reply.status == 200 and b'"version"' in reply.body:
                    return named_kind(kind) or GENERIC
        return GENERIC

    async def _keep_asking(self) -> None:
        while True:
            down = self.status().health is Health.DOWN
            await self._clock.sleep(WATCH_DOWN_S if down else WATCH_S)
            await self.ask()

    def _info(self, model: str) -> ModelInfo:
        listed = self._listed or {}
        found = listed.get(model) or listed.get(f"{model}:latest")
        return found or model_info({"id": model}, self.kind, self._features, self._slots, self._slots_max)

    def _refusal(self, call: Call) -> Trouble | None:
        missing = unsupported(call.needs, self._info(call.model).capabilities) if call.needs else None
        if not missing:
            return None
        message = f"The engine {self._name} ({self.kind.name}) cannot do {', '.join(missing)}"
        return Trouble(kind=TroubleKind.REQUEST, message=message, engine=self._name)

    async def _answer(self, call: Call, deadline_s: float) -> Answer | Trouble:
        body = request_bytes(call, self.kind)
        reply = await self._post(self._base + path_of(call), body, deadline_s)
        if isinstance(reply, Trouble):
            return reply
        try:
            answer = answer_body(call, reply.body)
        except Unreadable as lack:
            return unreadable(self._name, lack)
        except ErrorInside as inside:
            return self._trouble(status_in(inside.error), reply)
        model = str(answer.get("model") or call.model)
        return Answer(body=answer, usage=usage_of(answer), engine=self._name, model=model)

    async def _pieces(self, call: Call, deadline_s: float) -> AsyncGenerator[Delta | Trouble]:
        body = request_bytes(call, self.kind, stream=True)
        ended = False
        data = b""
        try:
            async with self._client().open(
                "POST", self._base + path_of(call), body=body, headers=_JSON, deadline_s=deadline_s
            ) as opened:
                if opened.status != 200:
                    reply = Reply(opened.status, opened.headers, await opened.read())
                    yield self._trouble(opened.status, reply)
                    return
                async for data in event_data(opened.chunks()):
                    if data == b"[DONE]":
                        ended = True
                        break
                    delta = delta_of(data)
                    ended = ended or ends(delta)
                    yield delta
        except NoReply as loss:
            yield trouble_of_loss(self._name, loss, deadline_s)
            return
        except Unreadable as lack:
            yield unreadable(self._name, lack)
            return
        except ErrorInside as inside:
            status = status_in(inside.error)
            yield self._trouble(status, Reply(status, {}, data))
            return
        if not ended:
            yield unreadable(self._name, Unreadable("it ends in the middle"))

    async def _post(self, url: str, body: bytes, deadline_s: float) -> Reply | Trouble:
        """A success, or the trouble that there is none."""
        try:
            reply = await self._client().request("POST", url, body=body, headers=_JSON, deadline_s=deadline_s)
        except NoReply as loss:
            return trouble_of_loss(self._name, loss, deadline_s)
        return reply if 200 <= reply.status < 300 else self._trouble(reply.status, reply)

    async def _get(self, url: str) -> Reply:
        return await self._client().request("GET", url, deadline_s=PROBE_S)

    def _trouble(self, status: int, reply: Reply) -> Trouble:
        return trouble_of_reply(
            self._name, status, reply.headers, reply.body, self._clock.now(), self._api_key
        )

    def _client(self) -> Http:
        assert self._http is not None, f"engine {self._name} was not started"
        return self._http


_JSON = {"content-type": "application/json"}


def _urls(base_url: str) -> tuple[str, str, str]:
    """The base that paths of the API are put behind, the root that a server's own paths are, and the host.
    Raises InvalidArgument."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(f"base URL {base_url!r} is none; write it as http://localhost:8000/v1")
    base = base_url.rstrip("/")
    if not parts.path.strip("/"):
        base += "/v1"
    return base, base.removesuffix("/v1"), parts.hostname


def _listing(reply: Reply) -> list[dict[str, Json]] | None:
    try:
        data = json_object_in(reply.body).get("data")
    except Unreadable:
        return None
    if not isinstance(data, list):
        return None
    return [each for each in data if isinstance(each, dict) and each.get("id")]
