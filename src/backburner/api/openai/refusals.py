"""Refusals as responses."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.core.errors import Refused
from backburner.dialects.openai.errors import refusal


def refused_response(refused: Refused, name: str = "") -> Response:
    """`name` is the id that the caller asked for."""
    status, body = refusal(refused, name)
    headers = {}
    if refused.retry_after_s is not None:
        headers["retry-after"] = str(max(1, round(refused.retry_after_s)))
    if status == 409:
        headers["x-should-retry"] = "false"  # the SDKs would send it again, to the same end
    return answers.json(msgspec.json.encode(body), status, headers)
