"""models: list and get. What a name is mapped to is said in its description, which is ours."""

import msgspec
from starlette.responses import Response

from backburner.api import answers
from backburner.api.anthropic.call import Call
from backburner.core.exchange import Json
from backburner.dialects.anthropic.resources import ModelView, model_object, page
from backburner.service.models import ModelCard

EVERY_MODEL = 1_000_000


async def get(call: Call) -> Response:
    return answers.json(msgspec.json.encode(_shown(call.services.models.get(call.name))))


async def list_all(call: Call) -> Response:
    """Models that answer messages, by name."""
    limit, after, before = call.page()
    cards = [card for card in call.services.models.list(EVERY_MODEL, "").items if card.chat]
    if before:
        cards = [card for card in cards if card.id < before]
        chosen = cards[-limit:]
    else:
        cards = [card for card in cards if card.id > after]
        chosen = cards[:limit]
    body = page([_shown(card) for card in chosen], has_more=len(cards) > len(chosen))
    return answers.json(msgspec.json.encode(body))


def _shown(card: ModelCard) -> dict[str, Json]:
    return model_object(
        ModelView(
            id=card.id,
            display_name=card.display_name,
            description=card.description,
            input_tokens=card.input_tokens,
            output_tokens=card.output_tokens,
            created_at=card.created_at,
        )
    )
