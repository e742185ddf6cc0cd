"""A conversation as the model sees it: neighbouring messages of one role are one turn, as the API documents."""

from collections.abc import Sequence

import msgspec

from backburner.core.exchange import Json
from backburner.dialects.report import Place


class Turn(msgspec.Struct, frozen=True):
    """`at` is the index of its first message; each block comes with its place in the request."""

    role: str
    at: int
    blocks: list[tuple[Place, dict[str, Json]]]


def turns(messages: Sequence[dict[str, Json]]) -> list[Turn]:
    """The turns of messages that were found good in their shape."""
    out: list[Turn] = []
    for at, message in enumerate(messages):
        place: Place = (((None, "messages"), at), "content")
        if not out or out[-1].role != message["role"]:
            out.append(Turn(message["role"], at, []))
        out[-1].blocks.extend(located(message["content"], place))
    return out


def located(content: Json, place: Place) -> list[tuple[Place, dict[str, Json]]]:
    """The blocks of a content; a string is shorthand for one text block, an empty one for none."""
    if isinstance(content, str):
        return [(place, {"type": "text", "text": content})] if content else []
    return [((place, number), block) for number, block in enumerate(content)]
