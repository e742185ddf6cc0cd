"""How a client of each door says what a scenario wants, and reads what it is told: plain HTTP, as documented."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from tests.sim.scenario import CallPlan, JobPlan, Line
from tests.sim.wire import Reply

Send = Callable[..., Awaitable[Reply]]  # (method, target, headers, body) -> a reply that is not our 5xx


class Item(msgspec.Struct, frozen=True):
    """One line of a result: the answer's text, or None and the code of its error."""

    key: str
    text: str | None
    error: str = ""


class Refusal(Exception):
    """A 4xx."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body[:300]!r}")
        self.status = reply.status


def fine(reply: Reply) -> Reply:
    if reply.status >= 400:
        raise Refusal(reply)
    return reply


class Door(Protocol):
    async def create(self, send: Send, plan: JobPlan, uploaded: str, key: str) -> str:
        """The job's id."""
        ...

    async def upload(self, send: Send, plan: JobPlan) -> str: ...

    async def ended(self, send: Send, job: str) -> bool: ...

    async def cancel(self, send: Send, job: str) -> None: ...

    async def results(self, send: Send, job: str) -> list[Item]: ...

    async def call(self, send: Send, plan: CallPlan) -> str: ...


def _gemini_request(line: Line) -> dict[str, Any]:
    config: dict[str, Any] = {"temperature": 0} if line.still else {}
    if line.most:
        config["maxOutputTokens"] = line.most
    contents = [{"role": "user", "parts": [{"text": line.text}]}]
    return {"contents": contents, "generationConfig": config} if config else {"contents": contents}


def _jsonl(values: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)


class GeminiDoor:
    """Inline jobs and jobs from a file."""

    def _item(self, line: Line, inline: bool) -> dict[str, Any]:
        request = {"nonsense": 1} if line.wrong else _gemini_request(line)
        return (
            {"request": request, "metadata": {"key": line.key}}
            if inline
            else {"key": line.key, "request": request}
        )

    async def upload(self, send: Send, plan: JobPlan) -> str:
        content = _jsonl([self._item(line, False) for line in plan.lines])
        headers = {"x-goog-upload-protocol": "raw", "content-type": "application/jsonl"}
        reply = fine(await send("POST", "/upload/v1beta/files", headers, content))
        return reply.json()["file"]["name"]

    async def create(self, send: Send, plan: JobPlan, uploaded: str, key: str) -> str:
        source: dict[str, Any] = {"fileName": uploaded}
        if not uploaded:
            source = {"requests": {"requests": [self._item(line, True) for line in plan.lines]}}
        body: dict[str, Any] = {"displayName": plan.name, "inputConfig": source}
        if plan.skip_invalid:
            body["onInvalid"] = "skip"
        headers = {"idempotency-key": key} | ({"x-backburner-hold": "canary"} if plan.hold else {})
        target = f"/v1beta/models/{plan.model}:batchGenerateContent"
        reply = fine(await send("POST", target, headers, msgspec.json.encode({"batch": body})))
        return reply.json()["name"].removeprefix("batches/")

    async def ended(self, send: Send, job: str) -> bool:
        return fine(await send("GET", f"/v1beta/batches/{job}")).json()["done"]

    async def cancel(self, send: Send, job: str) -> None:
        fine(await send("POST", f"/v1beta/batches/{job}:cancel"))

    async def results(self, send: Send, job: str) -> list[Item]:
        reply = fine(await send("GET", f"/download/v1beta/files/batch-{job}:download?alt=media"))
        return [self._result(msgspec.json.decode(line)) for line in reply.body.splitlines()]

    def _result(self, line: dict[str, Any]) -> Item:
        key = line.get("key") or line.get("metadata", {}).get("key", "")
        if "error" in line:
            return Item(key, None, str(line["error"]["code"]))
        candidates = line["response"].get("candidates", [])
        parts = candidates[0]["content"]["parts"] if candidates else []
        return Item(key, "".join(part.get("text", "") for part in parts))

    async def call(self, send: Send, plan: CallPlan) -> str:
        body = _gemini_request(Line("", plan.text)) | ({"serviceTier": "flex"} if plan.flex else {})
        target = f"/v1beta/models/{plan.model}:generateContent"
        reply = fine(await send("POST", target, {}, msgspec.json.encode(body)))
        return reply.json()["candidates"][0]["content"]["parts"][0]["text"]


BOUNDARY = "sim"
_PART = '--sim\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'


class OpenAIDoor:
    """Jobs from a file; errors come in a file of their own."""

    def _item(self, line: Line, model: str) -> dict[str, Any]:
        body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": line.text}]}
        if line.most:
            body["max_completion_tokens"] = line.most
        if line.still:
            body["temperature"] = 0
        if line.wrong:
            body = {"model": model}
        return {"custom_id": line.key, "method": "POST", "url": "/v1/chat/completions", "body": body}

    async def upload(self, send: Send, plan: JobPlan) -> str:
        content = _jsonl([self._item(line, plan.model) for line in plan.lines])
        form = _PART.format("purpose", "").encode() + b"batch\r\n"
        form += _PART.format("file", '; filename="in.jsonl"').encode() + content + b"\r\n--sim--\r\n"
        headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        return fine(await send("POST", "/openai/v1/files", headers, form)).json()["id"]

    async def create(self, send: Send, plan: JobPlan, uploaded: str, key: str) -> str:
        body = {
            "input_file_id": uploaded,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"name": plan.name},
        }
        headers = {"idempotency-key": key}
        if plan.skip_invalid:
            headers["x-backburner-on-invalid"] = "skip"
        reply = fine(await send("POST", "/openai/v1/batches", headers, msgspec.json.encode(body)))
        return reply.json()["id"].removeprefix("batch_")

    async def _batch(self, send: Send, job: str) -> dict[str, Any]:
        return fine(await send("GET", f"/openai/v1/batches/batch_{job}")).json()

    async def ended(self, send: Send, job: str) -> bool:
        return (await self._batch(send, job))["status"] in ("completed", "failed", "cancelled", "expired")

    async def cancel(self, send: Send, job: str) -> None:
        fine(await send("POST", f"/openai/v1/batches/batch_{job}/cancel"))

    async def results(self, send: Send, job: str) -> list[Item]:
        """Answers first, then errors: each file is in input order."""
        batch = await self._batch(send, job)
        items: list[Item] = []
        for file in (batch["output_file_id"], batch["error_file_id"]):
            if file:
                reply = fine(await send("GET", f"/openai/v1/files/{file}/content"))
                items += [self._result(msgspec.json.decode(line)) for line in reply.body.splitlines()]
        return items

    def _result(self, line: dict[str, Any]) -> Item:
        if not line.get("response") or line["response"]["status_code"] >= 400:
            return Item(line["custom_id"], None, str(line.get("error") or line["response"]))
        choices = line["response"]["body"]["choices"]
        return Item(line["custom_id"], (choices[0]["message"]["content"] or "") if choices else "")

    async def call(self, send: Send, plan: CallPlan) -> str:
        body = {"model": plan.model, "messages": [{"role": "user", "content": plan.text}]}
        if plan.flex:
            body["service_tier"] = "flex"
        reply = fine(await send("POST", "/openai/v1/chat/completions", {}, msgspec.json.encode(body)))
        return reply.json()["choices"][0]["message"]["content"]


DOORS: dict[str, Door] = {"gemini": GeminiDoor(), "openai": OpenAIDoor()}
