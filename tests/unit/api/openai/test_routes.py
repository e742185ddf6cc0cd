"""Which route a path belongs to: ids with slashes, raw and encoded, at either base URL."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from starlette.requests import Request

from backburner.api.openai.call import GOOGLE_ROOT, Route
from backburner.api.openai.routes import ROUTES
from backburner.api.openai.sign import astray
from tests.golden import captured


def routed(method: str, path: str) -> list[tuple[Route, str]]:
    found = ((route, route.match(path)) for route in ROUTES if route.method == method)
    return [(route, name) for route, name in found if name is not None]


@pytest.mark.parametrize(
    ("method", "path", "route", "name"),
    [
        ("GET", "/files/file-abc/content", "/files/{id}/content", "file-abc"),
        ("GET", "/files/files/abc/content", "/files/{id}/content", "files/abc"),
        ("GET", "/files/files/abc", "/files/{id}", "files/abc"),
        ("GET", "/batches/batches/abc", "/batches/{id}", "batches/abc"),
        ("POST", "/batches/batches/abc/cancel", "/batches/{id}/cancel", "batches/abc"),
        ("GET", "/models/models/org/name", "/models/{id}", "models/org/name"),
        ("GET", "/files", "/files", ""),
        ("POST", "/chat/completions", "/chat/completions", ""),
    ],
)
def test_the_route_of_a_path(method: str, path: str, route: str, name: str) -> None:
    found, called = routed(method, path)[0]
    assert (found.path, called) == (route, name)


@pytest.mark.parametrize("path", ["/", "/file", "/files/", "/batches/x/cancel/y", "/chat"])
def test_what_is_no_route(path: str) -> None:
    assert routed("POST", path) == []


@pytest.mark.parametrize("request_", captured("openai"), ids=lambda one: f"{one['client']}: {one['call']}")
def test_every_captured_request_has_a_route(request_: dict[str, Any]) -> None:
    path = unquote(urlsplit(request_["path"]).path).removeprefix(GOOGLE_ROOT)
    assert routed(request_["method"], path)


def asked(path: str, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": path, "headers": raw, "query_string": b""})


SDK = {"x_stainless_lang": "python"}


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/chat/completions", "/v1beta/embeddings", "/v1/responses"]
)
def test_paths_that_only_openai_has_are_astray(path: str) -> None:
    assert astray(asked(path))


@pytest.mark.parametrize(
    "path", ["/v1/files", "/v1beta/batches/x", "/v1/models", "/batches", "/openai/files"]
)
def test_paths_that_google_has_too_are_astray_when_the_sdk_asks(path: str) -> None:
    assert astray(asked(path, **SDK))
    assert not astray(asked(path))


@pytest.mark.parametrize(
    "path", ["/v1beta/models/x:generateContent", "/v1beta/cachedContents", "/healthz", "/v1/batches/x:cancel"]
)
def test_googles_own_paths_are_not(path: str) -> None:
    assert not astray(asked(path))
