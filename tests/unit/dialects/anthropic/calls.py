"""Shorthand for tests that check requests, translate them into calls, and answers back."""

import json
from typing import Any

from backburner.core.errors import Violation
from backburner.core.exchange import Answer, Call
from backburner.core.job import JobKind
from backburner.core.request import CheckedLine, Outcome, Usage
from backburner.dialects.anthropic.dialect import AnthropicDialect
from backburner.dialects.protocol import Refusal, Setting, Source, Stamp

MODEL = "claude-sonnet-5"
INLINE = Source(None, JobKind.GENERATE, MODEL)
FILE = Source("files/abc", JobKind.GENERATE, MODEL)
STAMP = Stamp("job1", 7, "k", 100.0)
PNG = "iVBORw0KGgo="


def asking(*messages: Any, **more: Any) -> dict[str, Any]:
    """params of a request; a lone text is a user message."""
    talk = [
        {"role": "user", "content": said} if isinstance(said, str) else said for said in messages or ("hi",)
    ]
    return {"model": MODEL, "max_tokens": 64, "messages": talk, **more}


def line_of(params: Any, label: Any = "k") -> bytes:
    return json.dumps({"custom_id": label, "params": params}).encode()


def check(line: bytes, source: Source = INLINE) -> CheckedLine:
    """One line, the fifth request of its batch."""
    [found] = AnthropicDialect().check_lines(line, source, 4, 5, 1000)
    return found


def violations(params: Any) -> tuple[Violation, ...]:
    return check(line_of(params)).violations


def only(found: tuple[Violation, ...]) -> Violation:
    assert len(found) == 1, [violation.sentence() for violation in found]
    return found[0]


def called(params: Any) -> Call | Refusal:
    """What a good request is turned into."""
    line = line_of(params)
    found = check(line)
    assert not found.violations, [violation.sentence() for violation in found.violations]
    return AnthropicDialect().to_call(line, Setting(kind=JobKind.GENERATE, model="engine", cached={}.get))


def call(params: Any) -> Call:
    found = called(params)
    assert isinstance(found, Call), found
    return found


def refused(params: Any) -> str:
    found = called(params)
    assert isinstance(found, Refusal), found
    return found.message


def completion(text: str | None = "hello", reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion; members of its message by name, of its choice under `choice`."""
    choice = more.pop("choice", {})
    message = {"role": "assistant", "content": text, **more}
    return {"choices": [{"index": 0, "finish_reason": reason, "message": message, **choice}]}


def tool_call(arguments: str = '{"a": 1}', name: str = "f", **more: Any) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def outcome(body: dict[str, Any], params: Any = None, usage: Usage | None = None) -> Outcome:
    usage = usage or Usage(prompt=10, cached=4, output=3)
    answer = Answer(body=body, usage=usage, engine="local", model="SmolLM2-135M-Instruct")
    return AnthropicDialect().answered(line_of(params or asking()), answer, STAMP)


def result(made: Outcome) -> dict[str, Any]:
    found = json.loads(b"{" + made.body + b"}")
    assert list(found) == ["result"], found
    return found["result"]


def message(body: dict[str, Any], params: Any = None, usage: Usage | None = None) -> dict[str, Any]:
    found = result(outcome(body, params, usage))
    assert found["type"] == "succeeded", found
    return found["message"]
