"""models: list and get. What a name is mapped to is said in the description."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.gemini.call import Call
from backburner.api.gemini.shapes import model_body
from backburner.core.exchange import Json
from backburner.core.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from backburner.service import paging


async def get(call: Call) -> Response:
    return answers.json(msgspec.json.encode(model_body(call.services.models.get(call.name))))


async def list_all(call: Call) -> Response:
    asked, token = call.page()
    page = call.services.models.list(paging.size(asked, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX), token or "")
    body: dict[str, Json] = {"models": [model_body(card) for card in page.items]} if page.items else {}
    if page.next_token:
        body["nextPageToken"] = page.next_token
    return answers.json(msgspec.json.encode(body))


async def list_tuned(call: Call) -> Response:
    """Tuned models are served under names mapped in the config; there is no list of them to give."""
    return answers.json(b"{}")
