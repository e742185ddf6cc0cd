"""What a request demands of the form of its answer, as a grammar that the runtime enforces."""

import json
from typing import Any


class Constraint:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def options(self) -> dict[str, Any]:
        return {"json_schema": json.dumps(self._schema)}


def constraint_of(body: dict[str, Any]) -> Constraint | None:
    wanted = body.get("response_format") or {}
    match wanted.get("type"):
        case "json_schema":
            return Constraint(wanted["json_schema"]["schema"])
        case "json_object":
            return Constraint({"type": "object"})
        case _:
            return None
