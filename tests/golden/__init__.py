"""Captured traffic of real clients (contract, gemini-captures.md), as data: one list of requests per client."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def captured(dialect: str) -> list[dict[str, Any]]:
    """Every captured request of a dialect: client, call, method, path, headers, body (text or None)."""
    return [
        {"client": path.stem, **request}
        for path in sorted((HERE / dialect).glob("*.json"))
        for request in json.loads(path.read_text())
    ]
