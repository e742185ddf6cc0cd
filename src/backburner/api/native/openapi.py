"""The native API's part of the OpenAPI document, from the route table and the structs of its bodies."""

from typing import Any

import msgspec

from backburner.api.native.bodies import PREFIX, ErrorBody
from backburner.api.native.call import BYTES_TYPE, Route
from backburner.api.native.routes import ROUTES
from backburner.core.exchange import Json

_REFERENCE = "#/components/schemas/{name}"
_JSON = "application/json"
_BYTES: dict[str, Json] = {"schema": {"type": "string", "format": "binary"}}


def paths() -> dict[str, dict[str, Json]]:
    found: dict[str, dict[str, Json]] = {}
    for route in ROUTES:
        found.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return found


def schemas() -> dict[str, Any]:
    structs = {struct for route in ROUTES for struct in (route.reply, route.takes) if struct is not None}
    ordered = sorted((*structs, ErrorBody), key=lambda struct: struct.__name__)
    return msgspec.json.schema_components(ordered, ref_template=_REFERENCE)[1]


def _operation(route: Route) -> dict[str, Json]:
    parameters: list[Json] = [
        {
            "name": query.name,
            "in": "query",
            "description": query.summary,
            "schema": {"type": query.kind, **({"enum": list(query.values)} if query.values else {})},
        }
        for query in route.query
    ]
    if "{id}" in route.path:
        parameters.insert(0, {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    operation: dict[str, Json] = {
        "summary": route.summary,
        "operationId": f"api_{route.answer.__module__.rpartition('.')[2]}_{route.answer.__name__}",
        "tags": ["api/v1"],
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done", "content": _answer(route)},
            "default": {"description": "Refused, with the reason", "content": {_JSON: _schema(ErrorBody)}},
        },
    }
    if route.takes is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {_JSON: _schema(route.takes)},
        }
    if route.uploads:
        operation["requestBody"] = {"required": True, "content": {route.uploads: _BYTES}}
    return operation


def _answer(route: Route) -> dict[str, Json]:
    if route.streams == BYTES_TYPE:
        return {BYTES_TYPE: _BYTES}
    return {route.streams or _JSON: _schema(route.reply)}


def _schema(struct: type[msgspec.Struct]) -> dict[str, Json]:
    """Of a stream: what each of its items is."""
    return {"schema": {"$ref": _REFERENCE.format(name=struct.__name__)}}
