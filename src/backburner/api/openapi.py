"""The OpenAPI document of this server, made from the route tables, so that it cannot fall behind them."""

import re

from backburner import __version__
from backburner.api.anthropic.routes import ROUTES as ANTHROPIC_ROUTES
from backburner.api.gemini.call import VERSIONS
from backburner.api.gemini.call import Route as GeminiRoute
from backburner.api.gemini.routes import ROUTES
from backburner.api.native import openapi
from backburner.api.openai.routes import ROUTES as OPENAI_ROUTES
from backburner.core.exchange import Json


def document(base_url: str) -> dict[str, Json]:
    paths: dict[str, dict[str, Json]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    for base, door, routes in _OTHERS:
        for method, path, summary in routes:
            paths.setdefault(f"{base}{path}", {})[method.lower()] = _foreign(door, method, path, summary)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backburner",
            "version": __version__,
            "description": "The Gemini Batch API for models of one's own (fields: docs/compatibility.md), and "
            "Backburner's own API (docs/api.md).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "security": [{"header": []}, {"query": []}, {"bearer": []}],
        "paths": {**paths, **openapi.paths()},
        "components": {
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
                "query": {"type": "apiKey", "in": "query", "name": "key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Status": _STATUS, **openapi.schemas()},
        },
    }


def _operation(route: GeminiRoute) -> dict[str, Json]:
    parameters: list[Json] = [
        {
            "name": "version",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": list(VERSIONS)},
        }
    ]
    if route.named:
        parameters.append({"name": "name", "in": "path", "required": True, "schema": {"type": "string"}})
    problem = {"$ref": "#/components/schemas/Status"}
    operation: dict[str, Json] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "tags": [route.collection],
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done"},
            "default": {
                "description": "Refused, with the reason",
                "content": {"application/json": {"schema": problem}},
            },
        },
    }
    if route.method in ("POST", "PATCH", "PUT"):
        operation["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return operation


_Rows = list[tuple[str, str, str]]
_OPENAI: _Rows = [(route.method, route.path, route.summary) for route in OPENAI_ROUTES]
_ANTHROPIC: _Rows = [(route.method, route.path, route.summary) for route in ANTHROPIC_ROUTES]
_OTHERS: tuple[tuple[str, str, _Rows], ...] = (
    ("/openai/v1", "openai", _OPENAI),
    ("/v1beta/openai", "openai_v1beta", _OPENAI),
    ("/anthropic", "anthropic", _ANTHROPIC),
)


def _foreign(door: str, method: str, path: str, summary: str) -> dict[str, Json]:
    """An operation of another dialect: its bodies are described where that dialect is (docs/compatibility-*)."""
    names = re.findall(r"{(\w+)}", path)
    words = [word for word in re.split(r"\W+", path) if word]
    return {
        "summary": summary,
        "operationId": "_".join([door, method.lower(), *words]),
        "tags": [door],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ],
        "responses": {"200": {"description": "Done"}, "default": {"description": "Refused, with the reason"}},
    }


def _operation_id(route: GeminiRoute) -> str:
    words = [route.method.lower(), route.prefix, route.collection, route.verb, "one" if route.named else ""]
    return "_".join(word for word in words if word)


_STATUS: dict[str, Json] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "status": {"type": "string"},
                "details": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["code", "message", "status"],
        }
    },
    "required": ["error"],
}
