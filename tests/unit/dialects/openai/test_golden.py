"""Every request that the real clients were seen to send is understood."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from backburner.core.job import JobKind
from backburner.dialects.openai.create import create_body
from backburner.dialects.openai.names import file_of, job_of
from tests.golden import captured

REQUESTS = captured("openai")


def sent(call: str) -> list[Any]:
    found = [request for request in REQUESTS if request["call"].startswith(call)]
    assert found, call
    return [pytest.param(request, id=f"{request['client']}: {request['call']}") for request in found]


def test_the_captures_are_there() -> None:
    assert {request["client"] for request in REQUESTS} == {"python-3.52.0", "python-1.109.1", "js-7.55.0"}


@pytest.mark.parametrize("request_", sent("batches.create"))
def test_every_creation_is_understood(request_: dict[str, Any]) -> None:
    found = create_body(request_["body"].encode())
    assert (found.file_id, found.kind, found.window_s) == ("x", JobKind.GENERATE, 86400)
    assert found.extras["endpoint"] == "/v1/chat/completions"


@pytest.mark.parametrize("request_", sent("batches.retrieve") + sent("batches.cancel"))
def test_every_batch_id_is_understood(request_: dict[str, Any]) -> None:
    rest = unquote(urlsplit(request_["path"]).path).removeprefix("/v1beta/openai/batches/")
    assert job_of(rest.removesuffix("/cancel")) == "abc"


@pytest.mark.parametrize("request_", sent("files.content") + sent("files.delete") + [*sent("files.retrieve")])
def test_every_file_id_is_understood(request_: dict[str, Any]) -> None:
    rest = unquote(urlsplit(request_["path"]).path).removeprefix("/v1beta/openai/files/")
    assert file_of(rest.removesuffix("/content")) in ("batch-abc", "abc", "x")
