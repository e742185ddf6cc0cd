"""Shorthand for tests of the OpenAI dialect: lines, calls, answers."""

import json
from typing import Any

from backburner.core.exchange import Answer, Call
from backburner.core.job import JobKind
from backburner.core.request import CheckedLine, Outcome, Usage
from backburner.dialects.openai.bodies import ENDPOINTS
from backburner.dialects.openai.dialect import OpenAIDialect
from backburner.dialects.openai.endpoints import CHAT, EMBEDDINGS, KINDS
from backburner.dialects.protocol import Refusal, Setting, Source, Stamp

MODEL = "gpt-4o-mini"
STAMP = Stamp("job1", 7, "r7", 1_700_000_000.5)
USAGE = Usage(prompt=10, cached=4, output=3)


def source(endpoint: str = CHAT, model: str = MODEL, job: str = "job1") -> Source:
    return Source("files/abc", KINDS.get(endpoint, JobKind.GENERATE), model, endpoint, job)


def body_of(endpoint: str = CHAT, **more: Any) -> dict[str, Any]:
    """The shortest good body."""
    content: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
    if endpoint != CHAT:
        content = {"input": "hi"} if endpoint in (EMBEDDINGS, "/v1/responses") else {"prompt": "hi"}
    return {"model": MODEL, **content, **more}


def line_of(body: Any = None, endpoint: str = CHAT, **outer: Any) -> bytes:
    body = body_of(endpoint) if body is None else body
    line = {"custom_id": "r1", "method": "POST", "url": endpoint, "body": body, **outer}
    return json.dumps({name: value for name, value in line.items() if value is not ...}).encode()


def check(line: bytes, of: Source | None = None) -> CheckedLine:
    """One line, the fifth request of its job, on line 7, from byte 1000 on."""
    [found] = OpenAIDialect().check_lines(line, of or source(), 4, 7, 1000)
    return found


def called(body: dict[str, Any], endpoint: str = CHAT) -> Call:
    found = to_call(body, endpoint)
    assert isinstance(found, Call), found
    return found


def refused(body: dict[str, Any], endpoint: str = CHAT) -> str:
    found = to_call(body, endpoint)
    assert isinstance(found, Refusal), found
    return found.message


def to_call(body: dict[str, Any], endpoint: str = CHAT) -> Call | Refusal:
    setting = Setting(kind=KINDS[endpoint], model="engine-model", cached={}.get)
    return OpenAIDialect().to_call(line_of(body, endpoint), setting)


def completion(text: str | None = "hello", reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    told = {"role": "assistant", "content": text, **message}
    return {"choices": [{"index": 0, "finish_reason": reason, "message": told}]}


def answer(body: dict[str, Any]) -> Answer:
    return Answer(body=body, usage=USAGE, engine="local", model="SmolLM2-135M-Instruct")


def outcome(body: dict[str, Any], asked: dict[str, Any] | None = None, endpoint: str = CHAT) -> Outcome:
    return OpenAIDialect().answered(line_of(asked or body_of(endpoint), endpoint), answer(body), STAMP)


def result(found: Outcome) -> dict[str, Any]:
    """The members that an outcome adds to its result line."""
    return json.loads(b"{" + found.body + b"}")


def answered(body: dict[str, Any], asked: dict[str, Any] | None = None, endpoint: str = CHAT) -> Any:
    """What the caller gets for an engine's answer."""
    return ENDPOINTS[endpoint].body(answer(body), asked or body_of(endpoint), STAMP)
