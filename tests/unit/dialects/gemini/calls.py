"""Shorthand for tests that translate requests into calls and answers back."""

import json
from typing import Any

from backburner.core.exchange import Answer, Call
from backburner.core.job import JobKind
from backburner.core.request import Usage
from backburner.dialects.gemini.dialect import GeminiDialect
from backburner.dialects.protocol import Refusal, Setting, Stamp

from .lines import EMBED, FILE, check

STAMP = Stamp("job1", 7, "my key/ä", 100.0)


def called(
    request: Any, cached: dict[str, Any] | None = None, kind: JobKind = JobKind.GENERATE
) -> Call | Refusal:
    """What a good line with this request is turned into."""
    line = json.dumps({"key": "k", "request": request}).encode()
    found = check(line, FILE if kind is JobKind.GENERATE else EMBED)
    assert not found.violations, found.violations
    return GeminiDialect().to_call(line, Setting(kind=kind, model="engine-model", cached=(cached or {}).get))


def call(request: Any, cached: dict[str, Any] | None = None, kind: JobKind = JobKind.GENERATE) -> Call:
    found = called(request, cached, kind)
    assert isinstance(found, Call), found
    return found


def refused(request: Any, cached: dict[str, Any] | None = None, kind: JobKind = JobKind.GENERATE) -> Refusal:
    found = called(request, cached, kind)
    assert isinstance(found, Refusal), found
    return found


def user(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": list(parts)}], **more}


def completion(text: str | None = "hello", reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {
        "choices": [
            {
                "index": 0,
                "finish_reason": reason,
                "message": {"role": "assistant", "content": text, **message},
            }
        ]
    }


def answer(body: dict[str, Any], usage: Usage = Usage(prompt=10, cached=4, output=3)) -> Answer:  # noqa: B008  frozen
    return Answer(body=body, usage=usage, engine="local", model="SmolLM2-135M-Instruct")


def response(
    body: dict[str, Any], config: dict[str, Any] | None = None, wrapped: bool = True
) -> dict[str, Any]:
    """The GenerateContentResponse to a request with this generationConfig."""
    request = user({"text": "hi"}, **({"generation_config": config} if config is not None else {}))
    line = json.dumps({"key": "k", "request": request} if wrapped else request).encode()
    outcome = GeminiDialect().answered(line, answer(body), STAMP)
    found = json.loads(b"{" + outcome.body + b"}")
    assert list(found) == ["response"], found
    return found["response"]


def candidate(body: dict[str, Any], config: dict[str, Any] | None = None) -> dict[str, Any]:
    [found] = response(body, config)["candidates"]
    return found
