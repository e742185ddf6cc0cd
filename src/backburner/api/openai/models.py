"""Models: list and get. What answers under a name is in the answers' `model`, and here as its owner."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.openai.call import Call
from backburner.core.exchange import Json
from backburner.core.limits import PAGE_SIZE_MAX
from backburner.dialects.openai.resources import model_object
from backburner.service.models import ModelCard


async def get(call: Call) -> Response:
    name = call.name.removeprefix("models/")
    return answers.json(msgspec.json.encode(_object(call.services.models.get(name))))


async def list_all(call: Call) -> Response:
    """All of them: OpenAI's list has no pages."""
    cards: list[ModelCard] = []
    token = ""
    while True:
        page = call.services.models.list(PAGE_SIZE_MAX, token)
        cards += page.items
        token = page.next_token
        if not token:
            break
    body: dict[str, Json] = {"object": "list", "data": [_object(card) for card in cards]}
    return answers.json(msgspec.json.encode(body))


def _object(card: ModelCard) -> dict[str, Json]:
    return model_object(card.id, card.created_at, card.engine)
