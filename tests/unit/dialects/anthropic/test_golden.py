"""Everything that the real clients were seen to send is understood."""

import json
from typing import Any

import pytest

from backburner.core.exchange import Call
from backburner.core.job import JobKind
from backburner.dialects.anthropic import bodies
from backburner.dialects.anthropic.create import create_body
from backburner.dialects.anthropic.dialect import AnthropicDialect
from backburner.dialects.anthropic.translate import message_call
from backburner.dialects.protocol import Setting, Source
from tests.golden import captured

REQUESTS = [request for request in captured("anthropic") if request["body"]]
SETTING = Setting(kind=JobKind.GENERATE, model="engine", cached={}.get)


def called(path: str) -> list[Any]:
    return [
        pytest.param(request, id=f"{request['client']}: {request['call']}")
        for request in REQUESTS
        if request["path"].partition("?")[0] == path and "thread" not in json.loads(request["body"])
    ]


def test_the_captures_are_there() -> None:
    assert {request["client"] for request in REQUESTS} == {"python-2.11.0", "python-0.125.0"}
    assert (len(called("/v1/messages/batches")), len(called("/v1/messages"))) == (4, 17)


@pytest.mark.parametrize("request_", called("/v1/messages/batches"))
def test_every_creation_is_understood(request_: dict[str, Any]) -> None:
    made = create_body(request_["body"].encode(), 100_000)
    chunk = b"".join(line + b"\n" for line in made.lines())
    dialect = AnthropicDialect()
    found = dialect.check_lines(chunk, Source(None, JobKind.GENERATE, made.model), 0, 1, 0)
    assert [one.violations for one in found] == [()] * len(made.items)
    assert [one.key for one in found] == ["a", "b"][: len(found)]
    assert all(isinstance(dialect.to_call(line, SETTING), Call) for line in chunk.splitlines())


@pytest.mark.parametrize("request_", called("/v1/messages"))
def test_every_message_is_understood(request_: dict[str, Any]) -> None:
    asked = bodies.message_body(request_["body"].encode())
    assert isinstance(message_call(asked.params, SETTING), Call)


@pytest.mark.parametrize("request_", called("/v1/messages/count_tokens"))
def test_every_count_is_understood(request_: dict[str, Any]) -> None:
    asked = bodies.count_body(request_["body"].encode())
    assert isinstance(message_call(asked.params, SETTING), Call)
